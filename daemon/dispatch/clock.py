"""The clock by which we decide how long something is still ours, or may still begin.

It goes on while the machine is suspended: for the database, and for whoever was answered that
nothing begins any more, that time has passed as well. `time.monotonic` stands still meanwhile.
"""

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Seconds since some moment in the past."""
    return time.clock_gettime(_CLOCK)
