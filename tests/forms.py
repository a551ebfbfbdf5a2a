"""Two forms of a test: a short one for every run, and a long one for a run by hand.

The long one has the numbers that the catalogue of faults asks for: `./deploy/test --long tests/…`.
"""

import os
from typing import TypeVar

LONG = "DELIVERYD_LONG"
T = TypeVar("T")


def form(short: T, long: T) -> T:
    """The number that holds in this run."""
    return long if os.environ.get(LONG) else short
