"""`python -m daemon` and the command `deliveryd` are the same."""

import sys

from daemon.cli import main as cli


def main() -> int:
    """What was typed, from its arguments to its exit code."""
    return cli.run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
