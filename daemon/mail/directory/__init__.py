"""What the directory is made of, as it is written in files: entities, their columns, their cells.

`entities` is the one table of it; `cells` says how a cell of text or a JSON value becomes a value
of each kind, and `staging` makes the lines of a COPY of whole rows.
"""
