"""Accept: a group of sends becomes jobs, messages and deliveries, in one transaction.

Each step is one statement for the whole group: keys, jobs, expansion, events, first answers. What
is refused on the way is taken back within the same transaction and disturbs no neighbour. A law of
the database that is broken undoes the group as a whole; whoever called repeats it one by one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from random import Random
from typing import Any

from daemon import metrics
from daemon.expansion import literal
from daemon.intake import events
from daemon.intake.ask import Ask, Terms, Verdict
from daemon.ledger.writer import Append
from daemon.mail import ids
from daemon.mail.event import Event
from daemon.mail.refusal import Code, Refused, refused
from daemon.mail.request.answers import Accepted
from daemon.mail.request.send import Message, Send
from daemon.mail.standing import JobNow
from daemon.store import accepting, door, framing
from daemon.store.accepting import Key
from daemon.store.expansion import Expanded

_JOB_BITS = 74
_TICKET_BITS = 52


@dataclass(slots=True, kw_only=True)
class _Entry:
    """One send on its way through the transaction; with a verdict it goes no further."""

    ask: Ask
    send: Send
    job: accepting.Job
    claim: int | None = None
    stored: accepting.Stored | None = None
    expanded: Expanded | None = None
    verdict: Verdict | None = None


async def group(append: Append, asks: Sequence[Ask], terms: Terms, chance: Random) -> list[Verdict]:
    """Accepts sends with keys that differ; their verdicts are facts once the transaction commits."""
    session = append.session
    entries = [_entry(ask, append.at, chance) for ask in asks]
    if any(entry.send.open for entry in entries):
        await _lock(session, entries)
    await _recognise(session, entries, terms)
    await _store(session, entries, terms)
    await _take_back(session, entries)
    done = await _complete(session, _left(entries))
    await append.events([*_events(entries, done)])
    await _answer(session, _left(entries), terms)
    return [entry.verdict or Verdict(result="accepted") for entry in entries]


async def rehearsed(store: door.Store, ask: Ask, terms: Terms, chance: Random) -> Verdict:
    """A dry run: everything is checked and counted as it would be, and nothing is stored."""
    entry = _entry(ask, datetime.now(ask.decoded_at), chance)
    return entry.verdict or Verdict(result="answered")
