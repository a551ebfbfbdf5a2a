"""Commands that change something: asked for through the broker, as any producer would.

A job may be named by id, ticket or request id, a delivery by its number; they are looked up first,
so that a wrong name is told at once and the request can name whose it is.
"""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

from cyclopts import Parameter

from daemon.cli import asking, configured, deeds, doors, names, ranges, requests, verdicts, words
from daemon.cli.blocks import Block, Facts
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.requests import Sending
from daemon.store import operator

Name = Annotated[str, Parameter(help="A job's id, ticket or request id, or a delivery's number.")]
JobName = Annotated[str | None, Parameter(help="A job's id, ticket or request id.")]
Customer = Annotated[
    int | None, Parameter(help="All jobs of a customer instead.", validator=ranges.ID)
]
Branch = Annotated[
    int | None,
    Parameter(
        help="Of a job only whoever was found at this customer or below.", validator=ranges.ID
    ),
]
_AROUND = frozenset({"v", "ok", "command", "request_id", "warnings", "unchanged", "more"})
_TIMES = ("_at", "not_before")
"""How the names of times end."""


Yes = Annotated[bool, Parameter(help="Don't ask.", negative="", show_default=False)]


def cancel(
    name: Name, /, *, customer: Branch = None, yes: Yes = False, options: Options = DEFAULT
) -> int:
    """Take back what hasn't started of a job, or one delivery. What was sent stays sent.

    Of a job a person at a terminal is asked first, as it can't be undone.
    """
    target, job = asyncio.run(_named(name, options))
    if target.delivery is None and job.remaining:
        what = words.number(job.remaining, "delivery", "deliveries")
        part = "" if customer is None else f" as far as they are of customer {customer} or below"
        asking.sure(f"Cancel {what} of job {name}{part}? They can't be brought back.", yes=yes)
    arguments = target.arguments | _branch(customer)
    return asyncio.run(asked("cancel", target.found.customer, options=options, **arguments))


async def _named(name: str, options: Options) -> tuple[names.Target, operator.Job]:
    """What goes by a name, and its job."""
    async with doors.postgres(configured.settings(options)) as store:
        target = await names.target(store, name)
        job = await operator.job(store, target.found.job)
    if job is None:
        raise Ended(f"job {target.found.job} is gone")
    return target, job


async def reschedule(
    name: Name,
    /,
    *,
    at: Annotated[
        str,
        Parameter(
            help="When: 2030-12-31T12:00:00+03:00, or +10m from now.", allow_leading_hyphen=True
        ),
    ],
    customer: Branch = None,
    options: Options = DEFAULT,
) -> int:
    """Give what hasn't started of a job, or one delivery, another due time."""
    due = names.moment(at, datetime.now(UTC))
    return await about(
        name, "reschedule", options=options, not_before=due.isoformat(), **_branch(customer)
    )


def _branch(customer: int | None) -> dict[str, Any]:
    return {} if customer is None else {"customer": customer}


async def pause(
    name: JobName = None, /, *, customer: Customer = None, options: Options = DEFAULT
) -> int:
    """Start nothing more of a job, or of a customer, until `deliveryd resume`."""
    return await _flagged("pause", name, customer, options)


async def resume(
    name: JobName = None, /, *, customer: Customer = None, options: Options = DEFAULT
) -> int:
    """The end of a pause."""
    return await _flagged("resume", name, customer, options)


async def about(name: str, command: str, *, options: Options, **arguments: Any) -> int:
    """Asks for something about the job or delivery of this name."""
    async with doors.postgres(configured.settings(options)) as store:
        target = await names.target(store, name)
    return await asked(
        command, target.found.customer, options=options, **target.arguments, **arguments
    )


async def asked(
    command: str, customer: int | None, /, *, options: Options, **arguments: Any
) -> int:
    """Asks for something on behalf of a customer, and shows the answer."""
    settings = configured.settings(options)
    voice = requests.voice(settings, customer)
    sending = Sending(body=requests.body(voice, command, arguments), message_id=str(uuid4()))
    async with doors.rabbitmq(settings) as conversation:
        answer = await requests.ask(conversation, settings, voice, sending)
    return verdicts.present(answer, view, options)


def view(answer: dict[str, Any]) -> list[Block]:
    """A positive answer: what was done in words, and every number it brings."""
    rows = dict(_facts(answer))
    facts: list[Block] = [Facts(rows=list(rows.items()))] if rows else []
    return [deeds.said(answer), *verdicts.warnings(answer), *facts]


def _facts(answer: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """What it brings by name, times as everywhere; of a row that it shows what there is of it."""
    for name, value in answer.items():
        if isinstance(value, Mapping):
            yield from _facts({key: one for key, one in value.items() if one not in (None, {}, [])})
        elif isinstance(value, str) and name.endswith(_TIMES):
            yield name.replace("_", " "), words.moment(datetime.fromisoformat(value))
        elif name not in _AROUND:
            yield name.replace("_", " "), words.listed(value)


async def _flagged(command: str, name: str | None, customer: int | None, options: Options) -> int:
    if (name is None) == (customer is None):
        raise Ended(f"{command} takes a job, or --customer", Exit.USAGE)
    if name is not None:
        async with doors.postgres(configured.settings(options)) as store:
            found = await names.job(store, name)
        return await asked(command, found.customer, options=options, job=str(found.job))
    return await asked(command, customer, options=options, customer=customer)
