"""`deliveryd status` and `deliveryd deliveries`: how a job stands, of any customer."""

import dataclasses
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from daemon.cli import configured, doors, names, ranges, story, words
from daemon.cli.blocks import Block, Facts, Table
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.mail.state import State
from daemon.store import inquiries
from daemon.store.inquiries import Delivery, Dropped, Job

_STATES = {state.name.lower(): state for state in State}
_CLASSES = ("urgent", "normal", "bulk")
_HEAD = ("delivery", "state", "address", "tries", "next", "last")
_DROPPED = ("position", "reason", "address", "detail")

StateName = Literal[
    "waiting", "under_way", "retrying", "deferred", "in_doubt", "sent", "delivered", "bounced",
    "failed", "expired", "suppressed", "canceled",
]  # fmt: skip
"""Every state, as typed: shells complete it."""
Name = Annotated[str, Parameter(help="A job's id, ticket or request id, or a delivery's number.")]


async def status(name: Name, /, *, options: Options = DEFAULT) -> int:
    """Show how a job stands: its state, its times and all its numbers."""
    async with doors.postgres(configured.settings(options)) as store:
        found = (await names.target(store, name)).found
        job = await inquiries.job(store, found.customer, job=found.job)
    if job is None:
        raise Ended(f"job {found.job} is gone")
    document = {"id": job.id, **_named(job.fields), "counts": dict(job.numbers), **job.money}
    Screen(options).show(document, _view(job))
    return Exit.OK


async def deliveries(
    name: Name,
    /,
    *,
    state: Annotated[StateName | None, Parameter(help="Only in this state.")] = None,
    dropped: Annotated[
        bool,
        Parameter(
            help="Whom the job asked for and doesn't deliver to.", negative="", show_default=False
        ),
    ] = False,
    page: Annotated[
        int, Parameter(help="Where to go on, as the last page said.", validator=ranges.ID)
    ] = 0,
    limit: Annotated[int, Parameter(help="Rows of a page.", validator=ranges.ROWS)] = 100,
    options: Options = DEFAULT,
) -> int:
    """List the deliveries of a job, a page at a time."""
    letters = _letters(state, dropped=dropped)
    async with doors.postgres(configured.settings(options)) as store:
        found = (await names.target(store, name)).found
        if dropped:
            left = await inquiries.dropped(store, found.job, after=page, limit=limit)
            return _show(options, "dropped", left, limit)
        listed = await inquiries.deliveries(
            store, found.customer, found.job, message=None, after=page, letters=letters, limit=limit
        )
    return _show(options, "deliveries", listed, limit)


def _letters(state: str | None, *, dropped: bool) -> str:
    if state is None:
        return "".join(State)
    if dropped:
        raise Ended("--state doesn't go with --dropped", Exit.USAGE)
    return _STATES[state]


def _show(options: Options, what: str, found: list[Delivery] | list[Dropped], limit: int) -> int:
    more = found[-1].id if len(found) == limit else None
    document = {what: [_document(one) for one in found], "page": more}
    if what == "dropped":
        table = Table(head=_DROPPED, rows=[_left(one) for one in found], empty="nobody")
    else:
        table = Table(head=_HEAD, rows=[_row(one) for one in found], empty="no delivery")
    Screen(options).show(document, [table, *([f"more: --page {more}"] if more else [])])
    return Exit.OK


def _document(one: Delivery | Dropped) -> dict[str, Any]:
    fields = dataclasses.asdict(one)
    if isinstance(one, Delivery):
        fields["state"] = State(fields.pop("letter")).name.lower()
        fields["due_at"] = None if words.is_never(one.due_at) else one.due_at
    return fields


def _row(one: Delivery | Dropped) -> tuple[object, ...]:
    assert isinstance(one, Delivery)  # noqa: S101 - see `_show`
    fact, name = one.fact, State(one.letter).name.lower()
    said = " ".join(str(fact[part]) for part in ("code", "enhanced", "text") if fact.get(part))
    last = said or (fact.get("data") or {}).get("reason", "")
    return one.id, name, one.address, one.tries or "", words.moment(one.due_at), last


def _left(one: Delivery | Dropped) -> tuple[object, ...]:
    assert isinstance(one, Dropped)  # noqa: S101 - see `_show`
    return one.position, one.reason, one.address, one.detail


def _named(fields: Any) -> dict[str, Any]:
    """A job's columns as the world knows them."""
    return {**fields, "class": _CLASSES[fields["class"]]}


def _view(job: Job) -> list[Block]:
    fields = job.fields
    flags = [name for name in ("open", "paused") if fields[name]]
    facts = Facts(
        rows=[
            ("job", job.id),
            ("ticket", fields["ticket"]),
            ("request id", fields["request_id"]),
            ("name", fields["name"]),
            ("customer", fields["customer_id"]),
            ("state", " ".join([fields["state"], *flags])),
            ("class", _CLASSES[fields["class"]]),
            ("purpose", fields["purpose"]),
            ("doubts", fields["doubt"]),
            ("accepted", words.moment(fields["accepted_at"])),
            ("not before", words.moment(fields["not_before"])),
            ("started", words.moment(fields["started_at"])),
            ("finished", words.moment(fields["finished_at"])),
            ("expires", words.moment(fields["expires_at"])),
            *job.money.items(),
        ]
    )
    law = [] if job.is_balanced else ["the numbers do not balance: deliveryd audit"]
    return [facts, story.numbers(job.numbers), *law]
