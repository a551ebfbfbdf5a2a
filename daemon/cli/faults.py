"""What went wrong, as lines for a person and an exit code.

The world's faults get one line each and no traceback; a traceback means a fault of ours. Errors are
known by the names of their classes: whoever raised one has imported it, and nobody else need.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from daemon.cli.exits import Ended, Exit

_ADVICE = "run `deliveryd topology check`"
_FLAWS = "daemon.config.flaw.ConfigError"
WORLD: Mapping[str, tuple[Exit, str]] = MappingProxyType(
    {
        "daemon.store.errors.Unavailable": (Exit.UNAVAILABLE, "Postgres: {}"),
        "daemon.store.errors.SchemaMismatch": (Exit.UNAVAILABLE, "Postgres: {}"),
        "daemon.store.errors.Again": (Exit.TEMPORARY, "Postgres: {}; try again"),
        "daemon.broker.errors.Unavailable": (Exit.UNAVAILABLE, "RabbitMQ: {}"),
        "daemon.dispatch.journal.NoJournal": (Exit.UNAVAILABLE, "{}"),
        "daemon.process.arrival.NotThere": (Exit.UNAVAILABLE, "{}"),
        "daemon.process.arrival.TopologyDiffers": (Exit.UNAVAILABLE, f"RabbitMQ: {{}}: {_ADVICE}"),
        "daemon.web.ops.CannotListen": (Exit.UNAVAILABLE, "{}"),
        "daemon.broker.conversation.Unroutable": (Exit.UNAVAILABLE, f"RabbitMQ: {{}}: {_ADVICE}"),
    }
)
"""Classes of errors that are no fault of ours."""
_REFUSALS = ("28", "3D", "42501")
"""SQLSTATEs of a database that doesn't let us in: credentials, no such database, privileges."""


def explain(error: BaseException) -> tuple[Exit, list[str]]:
    """The exit code and the lines that belong to an error, whatever groups it came in."""
    causes = list(_leaves(error))
    told = [_told(cause) for cause in causes]
    if told[0] and all(told):  # one that nobody foresaw mustn't hide behind an outage
        return told[0]
    import traceback  # noqa: PLC0415 - seldom needed, and everybody would wait for it

    said = "".join(traceback.format_exception(error)).rstrip()
    strange = next(cause for cause, known in zip(causes, told, strict=True) if not known)
    return Exit.SOFTWARE, [said, f"a fault of ours: {_first_line(strange)}"]


def _told(cause: BaseException) -> tuple[Exit, list[str]] | None:
    """Of an error of the world; None of any other."""
    if isinstance(cause, Ended):
        return cause.code, [str(cause)]
    for name in _names(cause):
        if name == _FLAWS:
            return Exit.CONFIG, [str(flaw) for flaw in vars(cause)["flaws"]]
        if name in WORLD:
            code, words = WORLD[name]
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


def _names(error: BaseException) -> Iterator[str]:
    """Of its class and of all that this one is a kind of."""
    for kind in type(error).__mro__:
        yield f"{kind.__module__}.{kind.__qualname__}"


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
