"""Named points at which a test may have this process killed, as a power cut would.

`DELIVERYD_CRASH=name:nth` makes the process kill itself with SIGKILL the nth time that point is
reached: no cleanup, no flush. Its last words on standard error are the proof that it died there.
Without the variable a point costs one comparison. A point that is about something may be met for
one of those only: `name@which:nth`.
"""

import itertools
import os
import signal

_POINT, _, _NTH = os.environ.get("DELIVERYD_CRASH", "").partition(":")
_NAME, _, _WHICH = _POINT.partition("@")
_reached = itertools.count(1)


def reach(name: str, which: str | None = None) -> None:
    """Says that the point is reached; doesn't return if this is the one to die at."""
    if name == _NAME and _WHICH in ("", which) and next(_reached) >= int(_NTH or "1"):
        # past every buffer: nothing of ours runs after the next line
        os.write(2, f"crash point {_POINT}:{_NTH}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)
