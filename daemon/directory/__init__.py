"""Who may ask, and what belongs to them: customers, their transports, their tokens.

Until commands change the directory, it is what `[[customer]]`, `[[transport]]` and `[[token]]` of
the configuration say: `loading` makes the tables so, `principals` answers from them. Operators
bring in who is meant from files and take it out into files: `importing`, `exporting`, with `sheets`
for the forms of files. They make and revoke keys, too: `keys`.
"""
