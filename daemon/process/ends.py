"""How the process ends: which exit code tells what to systemd, and who tells of the cause."""

from daemon import tasks
from daemon.store.errors import SchemaMismatch

AT_ONCE = 1
"""A second SIGTERM: what was under way is left as it was."""
FAULT = 70
"""A part could not go on, by a fault of ours (EX_SOFTWARE). A restart takes the work up again."""
UNFINISHED = 75
"""Stopped at its deadline with outcomes that the database didn't take (EX_TEMPFAIL)."""

_OF_THE_WORLD = (SchemaMismatch, tasks.Refusal)
"""What makes a start impossible: told by whoever started us, in one line."""


def told(failed: ExceptionGroup) -> int:
    """Tells of faults of ours, and answers the exit code; raises what is the world's."""
    causes = list(tasks.leaves(failed))
    if all(isinstance(cause, _OF_THE_WORLD) for cause in causes):
        raise causes[0]
    tasks.report(failed)
    return FAULT
