"""What went wrong, as lines for a person and an exit code. Imported only once something did.

The world's faults get one line each and no traceback; a traceback means a fault of ours.
"""

import traceback
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from daemon import config
from daemon.broker import conversation
from daemon.broker import errors as broker
from daemon.cli.exits import Ended, Exit
from daemon.dispatch.journal import NoJournal
from daemon.process import arrival
from daemon.store import errors as store
from daemon.web import ops

_ADVICE = "run `deliveryd topology check`"
_WORLD: Mapping[type[Exception], tuple[Exit, str]] = MappingProxyType(
    {
        store.Unavailable: (Exit.UNAVAILABLE, "Postgres: {}"),
        store.SchemaMismatch: (Exit.UNAVAILABLE, "Postgres: {}"),
        store.Again: (Exit.TEMPORARY, "Postgres: {}; try again"),
        broker.Unavailable: (Exit.UNAVAILABLE, "RabbitMQ: {}"),
        NoJournal: (Exit.UNAVAILABLE, "{}"),
        arrival.NotThere: (Exit.UNAVAILABLE, "{}"),
        arrival.TopologyDiffers: (Exit.UNAVAILABLE, f"RabbitMQ: {{}}: {_ADVICE}"),
        ops.CannotListen: (Exit.UNAVAILABLE, "{}"),
        conversation.Unroutable: (Exit.UNAVAILABLE, f"RabbitMQ: {{}}: {_ADVICE}"),
    }
)
_REFUSALS = ("28", "3D", "42501")
"""SQLSTATEs of a database that doesn't let us in: credentials, no such database, privileges."""


def explain(error: BaseException) -> tuple[Exit, list[str]]:
    """The exit code and the lines that belong to an error, whatever groups it came in."""
    causes = list(_leaves(error))
    told = [_told(cause) for cause in causes]
    if told[0] and all(told):  # one that nobody foresaw mustn't hide behind an outage
        return told[0]
    said = "".join(traceback.format_exception(error)).rstrip()
    strange = next(cause for cause, known in zip(causes, told, strict=True) if not known)
    return Exit.SOFTWARE, [said, f"a fault of ours: {_first_line(strange)}"]


def _told(cause: BaseException) -> tuple[Exit, list[str]] | None:
    """Of an error of the world; None of any other."""
    if isinstance(cause, Ended):
        return cause.code, [str(cause)]
    if isinstance(cause, config.ConfigError):
        return Exit.CONFIG, [str(flaw) for flaw in cause.flaws]
    for kind, (code, words) in _WORLD.items():
        if isinstance(cause, kind):
            return code, [words.format(_first_line(cause))]
    if str(getattr(cause, "sqlstate", "")).startswith(_REFUSALS):
        return Exit.UNAVAILABLE, [f"Postgres: {_first_line(cause)}"]
    return None


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors within groups of errors, as task groups raise them."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
