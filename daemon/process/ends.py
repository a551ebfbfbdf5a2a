"""How the process ends: which exit code tells what to systemd, and who tells of the cause."""

import os
from collections.abc import Iterable

from daemon import stop, tasks
from daemon.store.errors import SchemaMismatch

AT_ONCE = 1
"""A second SIGTERM: what was under way is left as it was."""
FAULT = 70
"""A part could not go on, by a fault of ours (EX_SOFTWARE). A restart takes the work up again."""
UNFINISHED = 75
"""Stopped at its deadline with outcomes that the database didn't take (EX_TEMPFAIL)."""
HOPELESS = (69, 78)
"""The start is impossible (EX_UNAVAILABLE), the configuration can't be used (EX_CONFIG)."""
_GRAVE = (FAULT, UNFINISHED, AT_ONCE, 0)
"""The gravest first; whatever isn't here is a fault."""
GRACE = 30.0
"""Seconds that a stop may take beyond its deadline: a last commit, the goodbyes to the servers."""

_OF_THE_WORLD = (SchemaMismatch, tasks.Refusal)
"""What makes a start impossible: told by whoever started us, in one line."""


def worst(codes: Iterable[int]) -> int:
    """What several processes together came to; one that was killed is a fault."""
    places = [_GRAVE.index(code) if code in _GRAVE else 0 for code in codes]
    return _GRAVE[min(places, default=-1)]


def told(failed: ExceptionGroup) -> int:
    """Tells of faults of ours, and answers the exit code; raises what is the world's."""
    causes = list(tasks.leaves(failed))
    if all(isinstance(cause, _OF_THE_WORLD) for cause in causes):
        raise causes[0]
    tasks.report(failed)
    return FAULT


def hung() -> None:
    """Ends a stop that doesn't end: what it left is taken up as after a kill."""
    stop.hangs()
    os._exit(FAULT)
