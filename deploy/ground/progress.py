"""One line per thing done, with the seconds since the start; always on standard error.

Standard output is left to what a caller may want to read or evaluate.
"""

import sys
import time
from collections.abc import Callable

Say = Callable[[str, str], None]
"""`say(who, text)`: one line of progress."""


def printer() -> Say:
    """A `Say` whose lines begin with the seconds since now."""
    began = time.monotonic()

    def say(who: str, text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {who:<11} {text}", file=sys.stderr, flush=True)

    return say


def silent(who: str, text: str) -> None:
    """A `Say` that says nothing."""
