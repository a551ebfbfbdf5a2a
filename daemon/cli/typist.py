"""Who types: kept beside whatever a command changes by itself."""

import getpass


def name() -> str:
    """Whom the machine knows at this terminal: `cli:ann`."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):
        return "cli"
