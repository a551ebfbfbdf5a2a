"""Who may ask, and what belongs to them: customers, their transports, their tokens.

Until commands change the directory, it is what `[[customer]]`, `[[transport]]` and `[[token]]` of
the configuration say: `loading` makes the tables so, `principals` answers from them.
"""
