"""Who may ask, and what belongs to them: customers, their transports, their tokens.

What `[[customer]]`, `[[transport]]` and `[[token]]` of the configuration say is entered in the
tables by `loading`, at a start and at a reload; `principals` answers from them. Operators bring in
who is meant from files and take it out into files: `importing`, `exporting`, with `sheets` for the
forms of files; `keeping` puts single rows, by the same laws. They make and revoke keys, and give
passwords: `keys`, `passwords`.
"""
