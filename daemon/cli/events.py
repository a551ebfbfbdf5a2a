"""`deliveryd events`: what the daemon tells the world, as it comes, or once more."""

from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from cyclopts import Parameter

from daemon.broker import topology
from daemon.cli import configured, control, doors, follow, names, ranges
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen

EVERYTHING = "#"
_WORDS = 2
"""Words of a type: family and event."""


async def tail(
    *,
    type: Annotated[  # noqa: A002 - as the events themselves call it
        tuple[str, ...],
        Parameter(
            help="Only these: delivery.sent, delivery, *.bounced. Repeatable.",
            negative="",
            show_default=False,
        ),
    ] = (),
    customer: Annotated[
        tuple[int, ...],
        Parameter(
            help="Only of these customers. Repeatable.",
            negative="",
            show_default=False,
            validator=ranges.ID,
        ),
    ] = (),
    count: Annotated[
        int | None, Parameter(help="End after so many events.", validator=ranges.COUNT)
    ] = None,
    options: Options = DEFAULT,
) -> int:
    """Show events as they are told, a line each, until Ctrl-C; with --json as CloudEvents.

    It listens with a queue of its own, so nobody misses an event for it. A lost connection ends it:
    what was told meanwhile can be had again by `deliveryd events replay`.
    """
    settings, screen = configured.settings(options), Screen(options)
    events, wanted = topology.names(settings.rabbitmq.prefix).events, keys(type, customer)
    async with doors.rabbitmq(settings) as conversation:
        await conversation.listen(events, wanted)
        shown = 0
        while count is None or shown < count:
            heard = await conversation.hear()
            if heard is not None:
                event = orjson.loads(heard.body)
                screen.entry(event, follow.line(event))
                shown += 1
    return Exit.OK


def keys(types: tuple[str, ...], customers: tuple[int, ...]) -> list[str]:
    """The binding keys of a choice; a routing key is `<family>.<event>.<customer>`."""
    if not types and not customers:
        return [EVERYTHING]
    return [
        f"{_whole(kind)}.{customer}"
        for kind in types or ("*.*",)
        for customer in customers or ("*",)
    ]


async def replay(
    *,
    from_: Annotated[
        str | None,
        Parameter(
            name="--from", help="From this time on; -1h is an hour ago.", allow_leading_hyphen=True
        ),
    ] = None,
    to: Annotated[
        str | None,
        Parameter(help="Up to this time; else until now.", allow_leading_hyphen=True),
    ] = None,
    job: Annotated[str | None, Parameter(help="Only of this job.")] = None,
    stream: Annotated[
        int | None, Parameter(help="Only of this stream.", validator=ranges.ID)
    ] = None,
    customer: Annotated[
        int | None,
        Parameter(help="Whose, if the broker user is in intake.trusted.", validator=ranges.ID),
    ] = None,
    options: Options = DEFAULT,
) -> int:
    """Tell events again, under the same ids, to everybody who listens."""
    now = datetime.now(UTC)
    times = {"from": from_, "to": to}
    arguments: dict[str, Any] = {
        name: names.moment(text, now, near=names.AGO).isoformat()
        for name, text in times.items()
        if text is not None
    }
    if job is not None:
        async with doors.postgres(configured.settings(options)) as store:
            found = await names.job(store, job)
        arguments["job"], customer = str(found.job), found.customer
    if stream is not None:
        arguments["stream"] = stream
    if not arguments.keys() & {"from", "job", "stream"}:
        raise Ended("give --from, --job or --stream", Exit.USAGE)
    return await control.asked("events.replay", customer, options=options, **arguments)


def _whole(kind: str) -> str:
    """`delivery` means all of the family."""
    words = kind.split(".")
    if len(words) > _WORDS or not all(words):
        raise Ended(f"--type {kind}: a type is <family>.<event>, such as delivery.sent", Exit.USAGE)
    return kind if len(words) == _WORDS else f"{kind}.*"
