"""`deliveryd job`: what is going on, and one job with how far it is and when it may end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from cyclopts import Parameter

from daemon.cli import (
    configured,
    doors,
    estimate,
    follow,
    looking,
    names,
    ranges,
    relays,
    story,
    telling,
    words,
)  # fmt: skip
from daemon.cli.blocks import Bar, Block, Facts, Row, Table, Tone, Toned
from daemon.cli.estimate import Estimate, Pace
from daemon.cli.exits import Ended, Exit
from daemon.cli.looking import Look
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.store import door, inquiries, operator, overviews

_WIDE = 40
"""Characters of one job's bar."""
_GROUPS = 20
"""Groups of open deliveries that are told apart."""
_NARROW = 8
"""The same in a list."""
_HEAD = ("job", "customer", "state", "progress", "left", "of", "age")


async def show_all(
    *,
    every: Annotated[
        bool,
        Parameter(
            name="--all", help="Also those that have ended.", negative="", show_default=False
        ),
    ] = False,
    customer: Annotated[
        int | None, Parameter(help="Only of this customer.", validator=ranges.ID)
    ] = None,
    campaign: Annotated[
        int | None, Parameter(help="Only under this campaign.", validator=ranges.ID)
    ] = None,
    page: Annotated[UUID | None, Parameter(help="Where to go on, as the last page said.")] = None,
    limit: Annotated[int, Parameter(help="Rows of a page.", validator=ranges.ROWS)] = 30,
    options: Options = DEFAULT,
) -> int:
    """List the jobs that haven't ended, the newest first, and how far each is."""
    async with doors.postgres(configured.settings(options)) as store:
        found = await overviews.jobs(
            store, customer=customer, campaign=campaign, before=page, limit=limit, ended=every
        )
    more = found[-1].id if len(found) == limit else None
    empty = "no job" if every else "no job that hasn't ended: --all shows the others"
    table = Table(
        head=_HEAD, rows=[_row(one) for one in found], empty=empty,
        numbers={"customer", "left", "of", "age"},
    )  # fmt: skip
    view: list[Block] = [table, *([f"more: --page {more}"] if more else [])]
    Screen(options).show({"jobs": [_listed(one) for one in found], "page": more}, view)
    return Exit.OK


async def show(
    name: Annotated[str, Parameter(help="A job's id, ticket or request id.")],
    /,
    *,
    watch: Annotated[
        bool,
        Parameter(
            help="Again and again until it has ended; exit 1 unless all were sent, as send --wait.",
            negative="",
            show_default=False,
        ),
    ] = False,
    every: Annotated[
        float, Parameter(help="Seconds between two looks.", validator=ranges.PAUSE)
    ] = 1.0,
    options: Options = DEFAULT,
) -> int:
    """Show how far a job is, what is left of it, and when it may have ended."""
    screen, pace = Screen(options), Pace()
    async with doors.postgres(configured.settings(options)) as store:
        number = (await names.job(store, name)).job
        seen = await _seen(store, number, pace)
        if not watch:
            look = _look(seen)
            screen.show(look.document, look.view)
            return Exit.OK

        async def take() -> Look:
            nonlocal seen
            seen = await _seen(store, number, pace)
            return _look(seen)

        await looking.repeated(take, screen, every=every)
    return Exit.OK if seen.all_sent else Exit.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One look at a job."""

    job: operator.Job
    lane: operator.Lane
    waits: Sequence[operator.Open]
    numbers: Mapping[str, int | None]
    estimate: Estimate
    relay_fails: str

    @property
    def ended(self) -> int:
        """Deliveries that have come to their end."""
        return self.job.queued - self.job.remaining - self.job.in_doubt

    @property
    def share(self) -> float:
        """Of what was queued; nothing queued is all of it."""
        return self.ended / self.job.queued if self.job.queued else 1.0

    @property
    def all_sent(self) -> bool:
        """Whether it ended as whoever waits for it hopes."""
        return follow.all_sent(self.numbers)


async def _seen(store: door.Store, number: UUID, pace: Pace) -> _Seen:
    job = await operator.job(store, number)
    stood = await inquiries.job(store, job.customer_id, job=number) if job else None
    if job is None or stood is None:
        raise Ended(f"job {number} is gone")
    lane = await operator.lane(store, job.lane_id)
    waits = await operator.still_open(store, number, limit=_GROUPS)
    pace.note(job.now, job.queued - job.remaining - job.in_doubt)
    return _Seen(
        job=job,
        lane=lane,
        waits=waits,
        numbers=stood.numbers,
        estimate=estimate.of(job, lane, waits, pace),
        relay_fails=await relays.failing(store, job),
    )


def _look(seen: _Seen) -> Look:
    job, found = seen.job, seen.estimate
    document = {
        "id": job.id, "ticket": job.ticket, "request_id": job.request_id,
        "customer": job.customer_id, "campaign": job.campaign_id,
        "state": job.state, "open": job.open, "paused": job.paused,
        "accepted_at": job.accepted_at, "not_before": job.not_before,
        "started_at": job.started_at, "finished_at": job.finished_at,
        "expires_at": job.expires_at, "opens_at": job.opens_at,
        "send_window": job.settings.get("send_window"), "too_late": job.settings.get("too_late"),
        "spread_over": job.settings.get("spread_over"),
        "recipient_local": job.settings.get("recipient_local", False),
        "counts": dict(seen.numbers),
        "progress": round(seen.share, 4), "ends_at": found.ends_at,
        "per_second": found.per_second, "estimate": found.words,
        "words": _words(seen),
    }  # fmt: skip
    return Look(document=document, view=_view(seen), is_last=job.finished_at is not None)


def _view(seen: _Seen) -> list[Block]:
    job, spread = seen.job, seen.job.settings.get("spread_over")
    how_far = Table(
        head=("progress", "ended", "of"),
        rows=[(Bar(seen.share, _WIDE), f"{seen.ended:,}", f"{job.queued:,}")],
        numbers={"ended", "of"},
    )
    facts = Facts(
        rows=[
            ("job", f"{job.id}, ticket {job.ticket}"),
            ("request id", job.request_id),
            ("customer", f"{job.customer_id}, {job.customer}"),
            ("campaign", job.campaign_id),
            ("state", standing(job)),
            ("accepted", words.when(job.accepted_at, job.now)),
            ("to start", words.when(job.not_before, job.now)),
            ("window", window(job.settings)),
            ("spread over", spread and words.span(spread)),
            ("finished", job.finished_at and words.when(job.finished_at, job.now)),
        ]
    )
    told = _words(seen) if job.remaining or job.search_at else []
    return [facts, how_far, story.numbers(seen.numbers), *told, seen.estimate.words]


def _words(seen: _Seen) -> list[str]:
    """What is left of it, what that waits for, and what stands in its way."""
    told = telling.standing_of(seen.job, seen.lane, seen.waits)
    return [*told, *([seen.relay_fails] if seen.relay_fails else [])]


def standing(job: operator.Job | overviews.Job) -> Toned:
    """A job's state with what holds it, and what that means."""
    flags = [name for name, is_set in (("open", job.open), ("paused", job.paused)) if is_set]
    if job.customer_paused and not job.paused:
        flags.append("customer paused")
    said = " ".join([job.state, *flags])
    if job.state == "failed":
        return Toned(said, Tone.BAD)
    if job.paused or job.customer_paused or job.in_doubt:
        return Toned(said, Tone.HELD)
    return Toned(said, Tone.GOOD if job.state in ("running", "completed") else Tone.FAINT)


def window(settings: Mapping[str, Any]) -> str | None:
    """The send window as one says it; None when there is none."""
    kept = settings.get("send_window")
    if kept is None:
        return None
    return f"{', '.join(kept['days'])}, {kept['from']} to {kept['to']}, {kept['timezone']}"


def _row(one: overviews.Job) -> Row:
    ended = one.queued - one.remaining - one.in_doubt
    share = ended / one.queued if one.queued else 1.0
    left = one.remaining + one.in_doubt
    return (
        one.request_id or one.ticket, one.customer_id, standing(one), Bar(share, _NARROW),
        f"{left:,}", f"{one.queued:,}", words.roughly((one.now - one.accepted_at).total_seconds()),
    )  # fmt: skip


def _listed(one: overviews.Job) -> dict[str, Any]:
    return {
        "id": one.id, "ticket": one.ticket, "request_id": one.request_id, "name": one.name,
        "customer": one.customer_id, "campaign": one.campaign,
        "state": one.state, "open": one.open, "paused": one.paused,
        "accepted_at": one.accepted_at, "not_before": one.not_before,
        "started_at": one.started_at, "finished_at": one.finished_at, "queued": one.queued,
        "remaining": one.remaining, "in_doubt": one.in_doubt, "handed": one.handed,
    }  # fmt: skip
