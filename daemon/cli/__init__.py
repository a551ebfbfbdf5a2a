"""What a person types: `deliveryd …`, a command per file.

`main` knows the commands by name and imports only the one that is called: `--help` is quick.
Whatever changes something is asked through the broker, so that there is one way in for it (intake);
whatever is only looked up is read from Postgres. `README.md` lists commands and exit codes.
"""
