"""The commands that only ask: `status`, `deliveries`, `doubt.list`. Always of the asker's own.

Pages are told by the id of their last row: what is added meanwhile can't shift them.
"""

from typing import Any

from daemon.intake import verdicts
from daemon.intake.ask import Ask, Verdict
from daemon.intake.events import CLASSES
from daemon.mail.refusal import Code
from daemon.mail.request.commands import Deliveries, DoubtList, Status
from daemon.mail.state import State
from daemon.store import door, inquiries

_ALL = "".join(State)


async def status(store: door.Store, ask: Ask, command: Status) -> Verdict:
    """How a job stands, and whether its numbers keep the accounting law."""
    found = await inquiries.job(
        store,
        ask.customer.id,
        job=command.job,
        ticket=command.ticket,
        message=command.message,
        delivery=command.delivery,
    )
    if found is None:
        named = ("job", "ticket", "message", "delivery")
        return verdicts.not_found(ask, next(name for name in named if getattr(command, name)))
    return verdicts.done(ask, _job(found))


async def deliveries(store: door.Store, ask: Ask, command: Deliveries) -> Verdict:
    """A page of deliveries, or of those who were asked for and aren't delivered to."""
    start = page(command.page)
    if start is None:
        return no_page(ask)
    found = await inquiries.job(store, ask.customer.id, job=command.job, message=command.message)
    if found is None:
        return verdicts.not_found(ask, "job" if command.job else "message")
    if command.dropped:
        dropped = await inquiries.dropped(store, found.id, after=start, limit=command.limit)
        rows = [_dropped(one) for one in dropped]
        return answer(ask, "dropped", rows, dropped, command.limit)
    some = await inquiries.deliveries(
        store,
        ask.customer.id,
        found.id,
        message=command.message,
        after=start,
        letters=command.state or _ALL,
        limit=command.limit,
    )
    return answer(ask, "deliveries", [_delivery(one) for one in some], some, command.limit)


async def doubts(store: door.Store, ask: Ask, command: DoubtList) -> Verdict:
    """A page of the deliveries in doubt that wait for a decision."""
    start = page(command.page)
    if start is None:
        return no_page(ask)
    found = await inquiries.doubts(
        store, ask.customer.id, command.job, after=start, limit=command.limit
    )
    return answer(ask, "doubts", [_doubt(one) for one in found], found, command.limit)


def page(text: str | None) -> int | None:
    """Where a page starts; None = no page of ours."""
    if text is None:
        return -1
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None  # noqa: PLR2004 - fits a bigint


def no_page(ask: Ask) -> Verdict:
    """A page that no answer has named."""
    advice = "must be what the last answer gave as `next`"
    return verdicts.refused(ask, Code.PARAM_INVALID, "page", advice)


def answer(
    ask: Ask, name: str, rows: list[dict[str, Any]], found: list[Any], limit: int
) -> Verdict:
    """Rows, and where to go on."""
    following = str(found[-1].id) if len(found) == limit else None
    return verdicts.done(ask, {name: rows, "next": following})


def _job(found: inquiries.Job) -> dict[str, Any]:
    fields = dict(found.fields)
    return {
        "job": found.id,
        **fields,
        "class": CLASSES[fields["class"]],
        "counts": dict(found.numbers),
        **found.money,
        "balanced": found.is_balanced,
    }


def _delivery(found: inquiries.Delivery) -> dict[str, Any]:
    fact = found.fact
    data = fact.get("data") or {}
    return {
        "delivery": found.id,
        "message": found.message_id,
        "address": found.address,
        "name": found.name,
        "state": State(found.letter).name.lower(),
        "attempt": fact.get("attempt") or found.tries,
        "at": fact.get("at"),
        "next_attempt_at": found.due_at,
        "code": fact.get("code"),
        "enhanced": fact.get("enhanced"),
        "text": fact.get("text"),
        "relay": fact.get("relay"),
        "reason": data.get("reason"),
    }


def _dropped(found: inquiries.Dropped) -> dict[str, Any]:
    return {
        "position": found.position,
        "address": found.address,
        "reason": found.reason,
        "detail": found.detail,
    }


def _doubt(found: inquiries.Doubt) -> dict[str, Any]:
    return {
        "delivery": found.delivery_id,
        "job": found.job_id,
        "attempt": found.attempt,
        "address": found.address,
        "reason": found.reason,
        "relay": found.relay,
        "since": found.since,
    }
