"""The only room that speaks Postgres: statements by name from `sql/`, the schema in `migrations/`.

Each verb module (`jobs`, `batches`, `retries`, `streams` …) turns rows into values of its own and
nothing else does. What Postgres can't do right now is `Unavailable`; what it refuses is a bug or a
law of the database and carries the law's name.
"""
