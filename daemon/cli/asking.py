"""Asking before something is done that can't be undone.

Nothing runs meanwhile, so that Ctrl-C is heard at once: whoever asks does so between two loops.
"""

import sys

from daemon.cli.exits import Ended, Exit


def sure(question: str, *, yes: bool, must: bool = False) -> None:
    """`Ended` unless a person says yes, or `--yes` did.

    A script isn't asked, since nobody could answer; if it `must` be asked, that is an error.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        if must:
            raise Ended(f"{question} Nobody is there to ask: add --yes", Exit.USAGE)
        return
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Ended("nothing was changed")
