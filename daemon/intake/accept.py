"""Accept: a group of sends becomes jobs, messages and deliveries, in one transaction.

Each step is one statement for the whole group: keys, jobs, expansion, events, first answers. What
is refused on the way is taken back within the same transaction and disturbs no neighbour. A law of
the database that is broken undoes the group as a whole; whoever called repeats it one by one.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from random import Random

from daemon import crashpoints
from daemon.expansion import literal, meant
from daemon.expansion.meant import Meant
from daemon.intake import draft, events, granting, keys, lookup
from daemon.intake.ask import Ask, Terms, Verdict
from daemon.intake.granting import Claim
from daemon.ledger.writer import Append
from daemon.mail import counts, money, plan
from daemon.mail.event import Event
from daemon.mail.money import Paid
from daemon.mail.plan import Plan, Unfit
from daemon.mail.refusal import Code, Fault, Refused
from daemon.mail.request.answers import Accepted
from daemon.mail.request.send import Send
from daemon.mail.standing import JobNow
from daemon.store import accepting, door, framing, memories
from daemon.store.accepting import Job, Stored
from daemon.store.expansion import Expanded, Place
from daemon.store.memories import Memory


class _Undone(Exception):
    """Ends a dry run."""


@dataclass(slots=True, kw_only=True)
class _Entry:
    """One send on its way through the transaction; with a verdict it goes no further."""

    ask: Ask
    send: Send
    job: Job
    planned: Plan | Unfit
    meant: Meant | None = None
    """Whom the directory is asked for; None = the parcel itself names everyone."""
    claim: int | None = None
    stored: Stored | None = None
    expanded: Expanded | None = None
    paid: Paid | None = None
    verdict: Verdict | None = None

    @property
    def is_stored(self) -> bool:
        return self.stored is not None and self.stored.message_id is not None

    @property
    def numbers(self) -> dict[str, int]:
        return self.expanded.counts if self.expanded else {}

    @property
    def is_empty(self) -> bool:
        return not self.numbers.get("queued")

    def refuse(self, code: Code, field: str, message: str) -> None:
        """Ends this send; the group goes on."""
        self.refuse_for(Fault(code=code, field=field, message=message))

    def refuse_for(self, *faults: Fault) -> None:
        """The same, for all of these."""
        request_id = self.ask.request_id
        refused = Refused(faults=faults, command=self.send.command, request_id=request_id)
        self.verdict = Verdict(result="refused", answer=refused)


async def group(append: Append, asks: Sequence[Ask], terms: Terms, chance: Random) -> list[Verdict]:
    """Accepts sends with keys that differ; the verdicts hold once the transaction has committed."""
    session = append.session
    entries = [_entry(ask, append.at, terms, chance) for ask in asks]
    await _recognise(session, entries, terms)
    await _look_up(session, entries)
    await _expand(session, entries, terms)
    low = await _grant(session, entries)
    await _take_back(session, entries)
    empty = [entry for entry in _left(entries) if entry.is_empty and not entry.send.open]
    await accepting.complete(session, [entry.job.id for entry in empty])
    crashpoints.reach("C2")
    await append.events([*_events(entries), *low])
    await _answer(session, _left(entries), terms)
    return [entry.verdict for entry in entries if entry.verdict]


async def rehearsed(store: door.Store, ask: Ask, terms: Terms, chance: Random) -> Verdict:
    """A dry run: checked and counted as it would be, and nothing is stored."""
    async with _undone(store) as session:
        entry = _entry(ask, await session.value("clock.now"), terms, chance)
        await _look_up(session, [entry])
        await _expand(session, [entry], terms)
        await _grant(session, [entry])
    answer = Accepted(
        command=entry.send.command,
        request_id=ask.request_id,
        dry_run=True,
        counts=events.asked(entry.numbers),
        money=money.told(entry.paid),
        notices=ask.decoded.notices,
    )
    return entry.verdict or Verdict(result="answered", answer=answer)


@asynccontextmanager
async def _undone(store: door.Store) -> AsyncIterator[door.Session]:
    """A transaction of which nothing stays, though nothing went wrong."""
    with suppress(_Undone):
        async with store.transaction() as session:
            yield session
            raise _Undone


async def _recognise(session: door.Session, entries: Sequence[_Entry], terms: Terms) -> None:
    """Ends what was seen before, and what can't be recognised though it must be."""
    await _recognise_own(session, entries)
    for entry in _left(entries):
        await _recognise_alone(session, entry)
    keyed = {entry.ask.key: entry for entry in _left(entries) if entry.ask.key}
    wanted = {key: (entry.ask, entry.job.id) for key, entry in keyed.items()}
    claims, seen = await keys.claimed(session, wanted, terms)
    for key, entry in keyed.items():
        entry.claim = claims.get(key)
        entry.verdict = seen.get(key)


async def _recognise_own(session: door.Session, entries: Sequence[_Entry]) -> None:
    """Ends what has no key and was accepted from our very hand, by a commit that seemed lost."""
    held = {entry.ask.holder: entry for entry in entries if not entry.ask.request_id}
    wanted = {holder: entry.ask.body_hash for holder, entry in held.items() if holder}
    if not wanted:
        return
    for holder, found in (await memories.own(session, wanted)).items():
        held[holder].verdict = Verdict(
            result="repeated", repeated=found.answer, memory=found.memory
        )


async def _recognise_alone(session: door.Session, entry: _Entry) -> None:
    ask, request_id = entry.ask, entry.ask.request_id
    if request_id is None and entry.send.open:
        advice = "is required when the job is open: frames are sent under it"
        entry.refuse(Code.PARAM_MISSING, "request_id", advice)
    elif request_id is not None and entry.send.open:
        # before any row: a frame that comes meanwhile must find either no job or all of it
        await framing.lock(session, ask.customer.id, request_id)
    elif request_id is None and ask.redelivered:
        first = await memories.matched(session, ask.customer.id, ask.body_hash, ask.holder)
        if first is not None:
            entry.verdict = Verdict(result="repeated", repeated=first)


async def _look_up(session: door.Session, entries: Sequence[_Entry]) -> None:
    """Ends what names something that isn't there."""
    for entry in _left(entries):
        found = await lookup.looked_up(session, entry.ask, entry.send)
        if isinstance(found, tuple):
            entry.refuse_for(*found)
        else:
            entry.meant = found


async def _expand(session: door.Session, entries: Sequence[_Entry], terms: Terms) -> None:
    """Stores jobs, then all their recipients."""
    for entry in _left(entries):
        # not before it is known to be no repeat, whose first answer still holds
        if isinstance(entry.planned, Unfit):
            field = f"delivery.{entry.planned.field}"
            entry.refuse(Code.PARAM_INVALID, field, entry.planned.message)
    left = _left(entries)
    if not left:
        return
    jobs = [entry.job for entry in left]
    stored = await accepting.stored(session, jobs, open_timeout=terms.open_timeout)
    for entry in left:
        entry.stored = stored[entry.job.id]
        _check_stored(entry, entry.stored)
    audiences = [_audience(entry) for entry in left if entry.is_stored and not entry.meant]
    expanded = await literal.expanded(session, audiences, need_dot=terms.need_dot)
    for entry in left:
        entry.expanded = expanded.get(entry.job.id) or await _meant(session, entry, terms)
        dialect = entry.ask.back.dialect
        if entry.is_stored and entry.is_empty and dialect and dialect.refuses_empty:
            entry.refuse(Code.AUDIENCE_EMPTY, "audience", "reaches nobody")


async def _meant(session: door.Session, entry: _Entry, terms: Terms) -> Expanded | None:
    """Whoever the directory says is meant."""
    if entry.meant is None or entry.stored is None or entry.stored.message_id is None:
        return None
    place = Place(job_id=entry.job.id, message_id=entry.stored.message_id)
    return await meant.expanded(session, place, entry.meant, need_dot=terms.need_dot)


def _check_stored(entry: _Entry, stored: Stored) -> None:
    if not stored.has_transport:
        named = entry.job.transport_id is not None
        advice = "names no transport" if named else "there is no default transport"
        entry.refuse(Code.NOT_FOUND, "delivery.transport", advice)
    elif stored.message_id is None:
        advice = "is required: the transport has no address of its own"
        entry.refuse(Code.PARAM_MISSING, "messages[0].from.address", advice)


def _audience(entry: _Entry) -> literal.Audience:
    assert entry.stored is not None  # noqa: S101 - only stored ones are asked
    assert entry.stored.message_id is not None  # noqa: S101
    return literal.Audience(
        job_id=entry.job.id,
        message_id=entry.stored.message_id,
        recipients=entry.send.recipients,
    )


async def _grant(session: door.Session, entries: Sequence[_Entry]) -> Sequence[Event]:
    """Ends what plan or credit don't allow; from here on nothing waits for anybody else.

    Answers what is to be told of accounts.
    """
    stored = {entry.job.id: entry for entry in _left(entries)}
    result = await granting.granted(session, [_claim(entry) for entry in stored.values()])
    for job, entry in stored.items():
        entry.paid = result.paid.get(job)
        if fault := result.faults.get(job):
            entry.refuse_for(fault)
    return result.low


def _claim(entry: _Entry) -> Claim:
    job, queued, asked = entry.job, entry.numbers["queued"], entry.numbers["requested"]
    price = entry.stored.price if entry.stored else None
    return Claim(
        job.id,
        granting.use(entry.ask, job.id, queued, asked=asked),
        granting.bill(job, price, queued),
    )


async def _take_back(session: door.Session, entries: Sequence[_Entry]) -> None:
    """Leaves nothing of what was refused: no job, no key."""
    refused = [entry for entry in entries if _is_refused(entry)]
    await accepting.undo(session, [entry.job.id for entry in refused if entry.is_stored])
    await accepting.unclaim(session, [entry.claim for entry in refused if entry.claim])


def _events(entries: Iterable[_Entry]) -> Iterator[Event]:
    for entry in entries:
        verdict = entry.verdict
        if verdict and isinstance(verdict.answer, Refused):
            yield events.rejected(entry.ask, verdict.answer)
        if verdict is None and entry.stored:
            told = events.accepted(entry.ask, entry.job, entry.stored, _known(entry))
            told.data.update(money.told(entry.paid))
            yield told
            if entry.is_empty and not entry.send.open:
                yield events.completed(_ended(entry, entry.stored))


async def _answer(session: door.Session, entries: Sequence[_Entry], terms: Terms) -> None:
    """Keeps the first answers, and has dispatch woken."""
    answers = {entry.job.id: _accepted(entry) for entry in entries}
    texts = {entry.job.id: entry.ask.back.text(answers[entry.job.id]) for entry in entries}
    keyed = [(entry.claim, texts[entry.job.id]) for entry in entries if entry.claim]
    await accepting.answer(session, keyed)
    unkeyed = [entry for entry in entries if not entry.claim]
    kept = [_memory(entry, texts[entry.job.id]) for entry in unkeyed]
    numbers = await memories.remember(session, kept, lifetime=terms.key_lifetime)
    remembered = dict(zip((entry.job.id for entry in unkeyed), numbers, strict=True))
    if any(not entry.is_empty for entry in entries):
        await accepting.wake(session)
    for entry in entries:
        entry.verdict = Verdict(
            result="accepted",
            answer=answers[entry.job.id],
            memory=remembered.get(entry.job.id),
            opened=entry.send.open,
        )


def _memory(entry: _Entry, answer: bytes) -> Memory:
    return Memory(
        customer_id=entry.job.customer_id,
        body_hash=entry.job.body_hash,
        job_id=entry.job.id,
        answer=answer,
        holder=entry.ask.holder,
    )


def _accepted(entry: _Entry) -> Accepted:
    message, expanded = entry.stored and entry.stored.message_id, entry.expanded
    alone = entry.numbers.get("queued") == 1
    return Accepted(
        command=entry.send.command,
        request_id=entry.ask.request_id,
        job=entry.job.id,
        ticket=entry.job.ticket,
        messages=(message,) if message else (),
        delivery=expanded.first_delivery if expanded and alone else None,
        counts=_known(entry),
        money=money.told(entry.paid),
        notices=entry.ask.decoded.notices,
    )


def _known(entry: _Entry) -> dict[str, int | None]:
    """The counts of a job; of an open one nobody knows yet how many will be asked for."""
    numbers = events.asked(entry.numbers)
    return {**numbers, "requested": None} if entry.send.open else numbers


def _ended(entry: _Entry, stored: Stored) -> JobNow:
    assert stored.expires_at is not None  # noqa: S101 - it is stored
    return JobNow(
        id=entry.job.id,
        customer_id=entry.job.customer_id,
        state="completed",
        open=False,
        doubt=entry.job.doubt,
        parts=0,
        expires_at=stored.expires_at,
        numbers={**dict.fromkeys(counts.ALL, 0), **_known(entry)},
    )


def _left(entries: Iterable[_Entry]) -> list[_Entry]:
    return [entry for entry in entries if entry.verdict is None]


def _is_refused(entry: _Entry) -> bool:
    return entry.verdict is not None and entry.verdict.result == "refused"


def _entry(ask: Ask, now: datetime, terms: Terms, chance: Random) -> _Entry:
    assert isinstance(ask.request, Send)  # noqa: S101 - the caller sorts
    planned = plan.of(ask.request.delivery.wish, now)
    job = draft.job(ask, ask.request, planned, now, chance, terms.message_domain)
    return _Entry(ask=ask, send=ask.request, job=job, planned=planned)
