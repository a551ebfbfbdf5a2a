"""A whole story, for programs and for people: what is on record, what it waits for. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from daemon.cli import reason, story, words
from daemon.cli.blocks import Block, Facts, Table
from daemon.cli.reason import Scene
from daemon.mail import event
from daemon.mail.state import State
from daemon.store.framing import Early
from daemon.store.happened import Happened
from daemon.store.operator import (
    Addressed,
    Fact,
    Job,
    Lane,
    LeftOut,
    Open,
    Suppression,
)

_RECORD = ("at", "what happened", "world")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One story in both forms."""

    document: dict[str, Any]
    view: list[Block]
    is_empty: bool = False
    """Whether nothing at all is known of what was asked for."""


def of_delivery(scene: Scene, of_job: Sequence[Fact], of_it: Sequence[Fact]) -> Told:
    """A delivery: its job's story and its own, and why it stands where it stands."""
    delivery, job = scene.delivery, scene.job
    found = reason.of(scene)
    name = delivery.state.name.lower()
    # facts of one commit have one time, and ids in their order
    facts = sorted([*of_job, *of_it], key=lambda fact: (fact.at, fact.id))
    tries = max([delivery.tries, *(event.tries(asdict(fact)) for fact in of_it)])
    document = {
        "delivery": delivery.id,
        "address": delivery.address,
        "job": _job(job),
        "message": delivery.message_id,
        "state": name,
        "path": delivery.path,
        "tries": tries,
        "waits": _waits(found),
        "facts": [_fact(fact) for fact in facts],
    }
    head = Facts(
        rows=[
            ("delivery", delivery.id),
            ("to", delivery.address),
            *_head(job),
            ("included by", _path(delivery.path)),
            ("first started", words.moment(delivery.permitted_at)),
            ("state", name.replace("_", " ")),
            ("tries", tries or None),
        ]
    )
    return Told(document=document, view=[head, _record(facts), *found.sentences])


def of_job(
    job: Job, lane: Lane, waits: Sequence[Open], facts: Sequence[Fact], *, relay_fails: str = ""
) -> Told:
    """A job: its own story, and what its open deliveries wait for."""
    standing = standing_of(job, lane, waits)
    if relay_fails:
        standing.append(relay_fails)
    document = {
        "job": _job(job),
        "open": [_open(one) for one in waits],
        "facts": [_fact(fact) for fact in facts],
        "words": standing,
    }
    flags = [name for name, is_set in (("open", job.open), ("paused", job.paused)) if is_set]
    head = Facts(rows=[*_head(job), ("state", " ".join([job.state, *flags]))])
    return Told(document=document, view=[head, _record(facts), *standing])


def of_refusal(event: Happened) -> Told:
    """A request that was refused: whose, and everything that was wrong with it."""
    errors = event.data.get("errors", [])
    document = {
        "type": event.type, "at": event.at, "customer": event.customer_id, "data": event.data,
    }  # fmt: skip
    head = Facts(
        rows=[
            ("refused", words.moment(event.at)),
            ("customer", event.customer_id or "unknown"),
            ("request id", event.data.get("request_id")),
            ("command", event.data.get("command")),
        ]
    )
    rows = [(error.get("field"), error.get("message"), error.get("code")) for error in errors]
    wrong = Table(
        head=("field", "what would be right", "code"), rows=rows, empty="no error is told"
    )
    return Told(document=document, view=[head, wrong, "Nothing of it was stored or sent."])


def of_early(name: str, early: Sequence[Early]) -> Told:
    """A request id of which only frames have come: they wait for their send."""
    document = {"request_id": name, "early": [asdict(one) for one in early]}
    view: list[Block] = [f"No job goes by {name} yet: its send hasn't come."]
    for one in early:
        frames = ", ".join(str(part) for part in one.parts if part > 0)
        parts = [f"frames {frames}"] if frames else []
        parts += ["the close"] if -1 in one.parts else []
        view.append(
            f"Of customer {one.customer_id} {' and '.join(parts)} came before it, and wait for it"
            f" until {words.moment(one.expires_at)}; then they are refused."
        )
    return Told(document=document, view=view)


def of_address(
    address: str,
    deliveries: Sequence[Addressed],
    left: Sequence[LeftOut],
    held: Sequence[Suppression],
    *,
    one: Told | None,
    days: int,
) -> Told:
    """Everything that is known of an address."""
    document = {
        "address": address,
        "deliveries": [_addressed(delivery) for delivery in deliveries],
        "left_out": [asdict(once) for once in left],
        "suppressions": [asdict(suppression) for suppression in held],
        "story": one.document if one else None,
    }
    view: list[Block] = []
    if len(deliveries) != 1:
        view.append(_list(deliveries, days))
    if one:
        view += [*([] if len(deliveries) == 1 else ["The latest of them:"]), *one.view]
    view = [*view, *(_left_out(once) for once in left), *(_held(each) for each in held)]
    is_empty = not (deliveries or left or held)
    if is_empty:
        view.append("A request that no intake has taken yet isn't known here.")
    return Told(document=document, view=view, is_empty=is_empty)


def _head(job: Job) -> list[tuple[str, object]]:
    return [
        ("job", f"{job.id}, ticket {job.ticket}"),
        ("request id", job.request_id),
        ("customer", f"{job.customer_id}, {job.customer}"),
        ("campaign", job.campaign_id),
        ("by way of", f"transport {job.transport_id}, {job.transport}, {job.host}:{job.port}"),
    ]


def _path(path: Mapping[str, Any] | None) -> str:
    """By which way a delivery came to be, as far as it is known."""
    if path is None:
        return "the request itself, which names it"
    return words.way(path)


def _record(facts: Sequence[Fact]) -> Table:
    rows = [(words.moment(fact.at), story.sentence(fact), story.told(fact)) for fact in facts]
    return Table(head=_RECORD, rows=rows, empty="nothing is on record any more")


def standing_of(job: Job, lane: Lane, waits: Sequence[Open]) -> list[str]:
    """What is still open, a sentence for each group of deliveries that stand alike."""
    lines = [_group(job, one) for one in waits]
    if job.search_at is not None and job.state == "expanding":
        lines.append(_search(job, job.search_at))
    if job.remaining:
        lines += reason.nobody_there(lane)
    if job.remaining and (shut := reason.closed(job)):
        lines.append(shut)
    if any(one.ready or one.claimed for one in waits):
        lines += reason.busy(lane)
    if job.in_doubt:
        doubts = words.number(job.in_doubt, "delivery", "deliveries")
        lines.append(f"{doubts} in doubt: deliveryd doubt list {job.id}.")
    if job.open:
        lines.append(_frames(job))
    if job.remaining:
        lines.append(f"What is left is given up {words.when(job.expires_at, job.now)}.")
    return lines or ["Nothing is left to wait for."]


def paused(job: Job) -> str:
    """The command that ends the pause of a job or of its customer; empty if there is none."""
    if job.paused:
        return f"deliveryd resume {job.id}"
    return f"deliveryd resume --customer {job.customer_id}" if job.customer_paused else ""


def until(one: Open) -> datetime | None:
    """Until when they fall due one after the other; None = all at once, or it isn't known."""
    is_spread = one.last_at is not None and one.last_at > one.due_at
    return one.last_at if is_spread and not one.retries else None


def _group(job: Job, one: Open) -> str:
    count = words.number(one.count, "delivery", "deliveries")
    resume = paused(job)
    if one.claimed:
        waits = f"held back by the pause: {resume}" if resume else "waiting for a connection"
        return f"{count} claimed by an instance: under way, or {waits}."
    if words.is_never(one.due_at):
        return f"{count} paused: {resume or 'put off for ever, until it is rescheduled'}."
    if one.ready:
        return f"{count} ready, waiting to be claimed."
    if last := until(one):
        since = words.when(one.due_at, job.now)
        return f"{count} waiting, due evenly from {since} until {words.when(last, job.now)}."
    verb = "deferred, next try" if one.retries else "waiting, due"
    return f"{count} {verb} {words.when(one.due_at, job.now)}."


def _search(job: Job, at: datetime) -> str:
    """What an audience waits for that is found after the accept."""
    if not job.trouble:
        when = f", {words.when(at, job.now)}" if at > job.now else ""
        return f"Its audience is still to be found{when}."
    times = words.number(job.searches, "try", "tries")
    return f"Its audience wasn't found in {times} ({job.trouble}), again {words.when(at, job.now)}."


def _frames(job: Job) -> str:
    expected = "an unknown number" if job.frames_expected is None else job.frames_expected
    closes = f", closed by us {words.when(job.closes_at, job.now)}" if job.closes_at else ""
    return f"Open for frames: {job.frames} of {expected} are in{closes}."


def _list(deliveries: Sequence[Addressed], days: int) -> Table:
    rows = [
        (one.id, one.state.name.lower(), words.moment(one.accepted_at), one.customer_id, one.job_id,
         one.name)
        for one in deliveries
    ]  # fmt: skip
    empty = f"no delivery in the last {words.number(days, 'day')}"
    return Table(
        head=("delivery", "state", "accepted", "customer", "job", "name"), rows=rows, empty=empty
    )


def _left_out(once: LeftOut) -> str:
    detail = f" ({once.detail})" if once.detail else ""
    return (
        f"Left out of job {once.job_id} of customer {once.customer_id},"
        f" {words.moment(once.accepted_at)}: {once.reason.replace('_', ' ')}{detail}."
    )


def _held(held: Suppression) -> str:
    what = "no marketing" if held.kind == "unsubscribe" else "nothing"
    scope = "" if held.scope == "all" else f" from list {held.list_id}"
    reason = f": {held.reason}" if held.reason else ""
    return (
        f"Customer {held.customer_id} sends it {what}{scope} since"
        f" {words.moment(held.created_at)} ({held.kind.replace('_', ' ')}{reason})."
    )


def _job(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "ticket": job.ticket,
        "request_id": job.request_id,
        "customer": job.customer_id,
        "transport": job.transport_id,
        "state": job.state,
        "open": job.open,
        "paused": job.paused,
        "not_before": job.not_before,
        "expires_at": job.expires_at,
        "opens_at": job.opens_at,
        "queued": job.queued,
        "remaining": job.remaining,
        "in_doubt": job.in_doubt,
    }


def _waits(found: reason.Reason) -> dict[str, Any]:
    return {"for": found.cause, "until": found.until, "words": found.sentences}


def _fact(fact: Fact) -> dict[str, Any]:
    fields = {name: value for name, value in asdict(fact).items() if value not in (None, {})}
    return {**fields, "words": story.sentence(fact)}


def _open(one: Open) -> dict[str, Any]:
    times = {name: getattr(one, name) for name in ("due_at", "last_at")}
    return asdict(one) | {name: None if words.is_never(at) else at for name, at in times.items()}


def _addressed(one: Addressed) -> dict[str, Any]:
    return {**asdict(one), "state": State(one.state).name.lower()}
