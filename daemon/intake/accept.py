"""Accept: a group of sends becomes jobs, messages and deliveries, in one transaction.

Each step is one statement for the whole group: keys, jobs, expansion, events, first answers. What
is refused on the way is taken back within the same transaction and disturbs no neighbour. A law of
the database that is broken undoes the group as a whole; whoever called repeats it one by one.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import datetime
from random import Random
from typing import Any

from daemon import crashpoints
from daemon.expansion import literal, meant
from daemon.intake import (
    draft,
    events,
    explaining,
    express,
    gathering,
    granting,
    keys,
    later,
    lookup,
)
from daemon.intake.ask import Ask, Terms, Verdict
from daemon.intake.entry import Entry
from daemon.intake.express import Trip
from daemon.ledger.writer import Append
from daemon.mail import money, plan
from daemon.mail.event import Event
from daemon.mail.plan import Unfit
from daemon.mail.refusal import Code, Fault, Refused
from daemon.mail.request.answers import Accepted
from daemon.mail.request.send import Send
from daemon.store import accepting, door, expanding, framing, memories
from daemon.store.accepting import Stored
from daemon.store.expansion import Expanded


class _Undone(Exception):
    """Ends a dry run."""


async def group(
    append: Append, asks: Sequence[Ask], terms: Terms, chance: Random, trip: Trip | None = None
) -> list[Verdict]:
    """Accepts sends with keys that differ; the verdicts hold once the transaction has committed.

    What there is room for on the `trip` is taken at once.
    """
    session = append.session
    entries = [_entry(ask, append.at, terms, chance) for ask in asks]
    for entry in entries:
        entry.may_wait = True
    await _recognise(session, entries, terms)
    await _look_up(session, entries)
    low = await _enter(session, entries, terms, trip)
    await _take_back(session, entries)
    empty = [entry for entry in _left(entries) if entry.is_over]
    await accepting.complete(session, [entry.job.id for entry in empty])
    crashpoints.reach("C2")
    await append.events([*_events(entries), *low])
    express.take(_left(entries), trip, append.at)
    await _answer(session, _left(entries), terms)
    return [entry.verdict for entry in entries if entry.verdict]


async def found(append: Append, entry: Entry, terms: Terms) -> bytes:
    """Finds the audience of a job that was put off, and goes on; answers what is to be said.

    What can't be found or isn't granted leaves nothing but the job, which has failed.
    """
    session = append.session
    low: Sequence[Event] = ()
    with suppress(_Undone):
        async with session.transaction():
            await _look_up(session, [entry])
            if entry.verdict is None and entry.place and entry.meant:
                entry.expanded = await meant.expanded(
                    session, entry.place, entry.meant, within=terms.expand_timeout
                )
                await gathering.gathered(session, entry, terms, within=terms.expand_timeout)
                low = await _grant(session, [entry])
            if entry.verdict is not None:
                raise _Undone
    crashpoints.reach("C6")
    return await (_failed(append, entry) if entry.is_refused else _found(append, entry, low))


async def _found(append: Append, entry: Entry, low: Sequence[Event]) -> bytes:
    session = append.session
    await expanding.found(session, entry.job.id)
    ended = [events.completed(entry.ended())] if entry.is_over else []
    await accepting.complete(session, [entry.job.id] if ended else [])
    await append.events([events.found(entry.job, entry.known, entry.told), *ended, *low])
    text = entry.ask.back.text(entry.accepted())
    await accepting.answer(session, [(entry.claim, text)] if entry.claim else [])
    await accepting.wake(session)
    return text


async def _failed(append: Append, entry: Entry) -> bytes:
    assert entry.verdict is not None  # noqa: S101 - it was refused
    assert isinstance(entry.verdict.answer, Refused)  # noqa: S101
    refused = entry.verdict.answer
    await later.given_up(append, entry.job.id, entry.claim, refused)
    return entry.ask.back.text(refused)


async def rehearsed(store: door.Store, ask: Ask, terms: Terms, chance: Random) -> Verdict:
    """A dry run: checked and counted as it would be, and nothing is stored."""
    async with _undone(store) as session:
        entry = _entry(ask, await session.value("clock.now"), terms, chance)
        await _look_up(session, [entry])
        await _expand(session, [entry], terms)
        await _grant(session, [entry])
        explained = await _explained(session, entry)
    answer = Accepted(
        command=entry.send.command,
        request_id=ask.request_id,
        dry_run=True,
        campaign=entry.send.campaign_id,
        counts=events.asked(entry.numbers),
        money=money.told(entry.paid),
        explained=explained,
        notices=entry.ask.decoded.notices,
    )
    return entry.verdict or Verdict(result="answered", answer=answer)


async def _explained(session: door.Session, entry: Entry) -> Mapping[str, Any]:
    wish = entry.send.explain
    if wish is None or entry.verdict is not None:
        return {}
    return await explaining.explained(session, entry, wish)


@asynccontextmanager
async def _undone(store: door.Store) -> AsyncIterator[door.Session]:
    """A transaction of which nothing stays, though nothing went wrong."""
    with suppress(_Undone):
        async with store.transaction() as session:
            yield session
            raise _Undone


async def _recognise(session: door.Session, entries: Sequence[Entry], terms: Terms) -> None:
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
        if entry.verdict and entry.verdict.is_awaited:
            await later.ask_again(session, key, entry.ask, terms)


async def _recognise_own(session: door.Session, entries: Sequence[Entry]) -> None:
    """Ends what has no key and was accepted from our very hand, by a commit that seemed lost."""
    held = {entry.ask.holder: entry for entry in entries if not entry.ask.request_id}
    wanted = {holder: entry.ask.body_hash for holder, entry in held.items() if holder}
    if not wanted:
        return
    for holder, found in (await memories.own(session, wanted)).items():
        held[holder].verdict = Verdict(
            result="repeated", repeated=found.answer, memory=found.memory
        )


async def _recognise_alone(session: door.Session, entry: Entry) -> None:
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


async def _look_up(session: door.Session, entries: Sequence[Entry]) -> None:
    """Ends what names something that isn't there."""
    for entry in _left(entries):
        is_stored = entry.stored is not None
        found = await lookup.looked_up(session, entry.ask, entry.send, is_stored=is_stored)
        if isinstance(found, tuple):
            entry.refuse_for(*found)
        else:
            entry.meant = found.meant
            entry.complete(found.supply)


async def _enter(
    session: door.Session, entries: Sequence[Entry], terms: Terms, trip: Trip | None
) -> Sequence[Event]:
    """Stores jobs, recipients and lists, and has them granted; answers what is told of accounts.

    Who is refused leaves no contacts either, of whom others may know more already.
    """
    low: Sequence[Event] = ()
    gathers = any(entry.send.create_list for entry in entries)  # such a one comes alone
    with suppress(_Undone):
        async with session.transaction() if gathers else nullcontext():
            await _expand(session, entries, terms, trip)
            for entry in _left(entries):
                await gathering.gathered(session, entry, terms)
            low = await _grant(session, entries)
            if gathers and not _left(entries):
                raise _Undone
    return low


async def _expand(
    session: door.Session, entries: Sequence[Entry], terms: Terms, trip: Trip | None = None
) -> None:
    """Stores jobs, then all their recipients."""
    for entry in _left(entries):
        # not before it is known to be no repeat, whose first answer still holds
        if isinstance(entry.planned, Unfit):
            field = f"delivery.{entry.planned.field}"
            entry.refuse(Code.PARAM_INVALID, field, entry.planned.message)
    left = _left(entries)
    if not left:
        return
    jobs, wished = [entry.job for entry in left], express.wished(left, trip)
    stored = await accepting.stored(session, jobs, open_timeout=terms.open_timeout, wanted=wished)
    for entry in left:
        entry.stored = stored[entry.job.id]
        _check_stored(entry, entry.stored)
    express.book(left, wished, trip)
    audiences = [entry.audience for entry in left if entry.audience]
    expanded = {}
    if audiences:
        expanded = await literal.expanded(session, audiences, need_dot=terms.need_dot)
    for entry in left:
        entry.expanded = expanded.get(entry.job.id) or await _meant(session, entry, terms)
        dialect = entry.ask.back.dialect
        if entry.is_stored and entry.is_over and dialect and dialect.refuses_empty:
            entry.refuse(Code.AUDIENCE_EMPTY, "audience", "reaches nobody")


async def _meant(session: door.Session, entry: Entry, terms: Terms) -> Expanded | None:
    """Whoever the directory says is meant."""
    if entry.meant is None or entry.place is None:
        return None
    if await later.is_put_off(session, entry, terms):
        return None
    return await meant.expanded(session, entry.place, entry.meant, need_dot=terms.need_dot)


def _check_stored(entry: Entry, stored: Stored) -> None:
    if not stored.has_transport:
        entry.refuse_for(_no_transport(entry))
    elif stored.message_id is None:
        advice = "is required: the transport has no address of its own"
        entry.refuse(Code.PARAM_MISSING, "messages[0].from.address", advice)


def _no_transport(entry: Entry) -> Fault:
    """That there is none, or that the one that was supplied isn't in use any more."""
    field, code, advice = "delivery.transport", Code.NOT_FOUND, "there is no default transport"
    if entry.job.transport_id is not None:
        advice = "names no transport"
        if entry.is_routed:
            code, advice = Code.STATE_CONFLICT, "that its sender or campaign brings isn't in use"
    return Fault(code=code, field=field, message=advice)


async def _grant(session: door.Session, entries: Sequence[Entry]) -> Sequence[Event]:
    """Ends what plan or credit don't allow; from here on nothing waits for anybody else.

    Answers what is to be told of accounts.
    """
    stored = {entry.job.id: entry for entry in _left(entries)}
    result = await granting.granted(session, [entry.due for entry in stored.values()])
    for job, entry in stored.items():
        entry.paid = result.paid.get(job)
        if fault := result.faults.get(job):
            entry.refuse_for(fault)
    return result.low


async def _take_back(session: door.Session, entries: Sequence[Entry]) -> None:
    """Leaves nothing of what was refused: no job, no key."""
    refused = [entry for entry in entries if entry.is_refused]
    await accepting.undo(session, [entry.job.id for entry in refused if entry.is_stored])
    await accepting.unclaim(session, [entry.claim for entry in refused if entry.claim])


def _events(entries: Iterable[Entry]) -> Iterator[Event]:
    for entry in entries:
        verdict = entry.verdict
        if verdict and isinstance(verdict.answer, Refused):
            yield events.rejected(entry.ask, verdict.answer)
        if verdict is None and entry.stored:
            told = events.accepted(entry.ask, entry.job, entry.stored, entry.known)
            told.data.update(entry.told)
            yield told
            if entry.is_over:
                yield events.completed(entry.ended())


async def _answer(session: door.Session, entries: Sequence[Entry], terms: Terms) -> None:
    """Keeps the first answers, and has dispatch woken."""
    answers = {entry.job.id: entry.accepted() for entry in entries}
    texts = {entry.job.id: entry.ask.back.text(answers[entry.job.id]) for entry in entries}
    keyed = [
        (entry.claim, texts[entry.job.id]) for entry in entries if entry.is_told and entry.claim
    ]
    await accepting.answer(session, keyed)
    unkeyed = [entry for entry in entries if not entry.claim]
    kept = [entry.memory(texts[entry.job.id]) for entry in unkeyed]
    numbers = await memories.remember(session, kept, lifetime=terms.key_lifetime)
    remembered = dict(zip((entry.job.id for entry in unkeyed), numbers, strict=True))
    if any(not entry.is_empty and not entry.taken for entry in entries):
        await accepting.wake(session)
    for entry in entries:
        entry.verdict = Verdict(
            result="accepted",
            answer=answers[entry.job.id] if entry.is_told else None,
            memory=remembered.get(entry.job.id),
            opened=entry.send.open,
        )


def _left(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.verdict is None]


def _entry(ask: Ask, now: datetime, terms: Terms, chance: Random) -> Entry:
    assert isinstance(ask.request, Send)  # noqa: S101 - the caller sorts
    planned = plan.of(ask.request.delivery.wish, now)
    job = draft.job(ask, ask.request, planned, now, chance, terms.message_domain)
    return Entry(ask=ask, send=ask.request, job=job, planned=planned, now=now)
