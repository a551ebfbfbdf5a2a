"""Audiences that are put off: too many for an accept, or meant only when the job is due (Q30).

The job is stored and is `expanding`; an expander reads the request again and goes on with it. The
answer follows once everyone is found; that of an audience which is only meant later comes at once.
"""

from uuid import UUID

from daemon.expansion import meant
from daemon.intake import events
from daemon.intake.ask import Ask, Terms
from daemon.intake.entry import Entry
from daemon.ledger.writer import Append
from daemon.mail.refusal import Refused
from daemon.mail.request import audience
from daemon.store import accepting, door, expanding, framing
from daemon.store.accepting import Key
from daemon.store.expanding import Request, Waiting


async def is_put_off(session: door.Session, entry: Entry, terms: Terms) -> bool:
    """Puts an audience off if that is better for everybody; answers whether it did."""
    if not entry.may_wait or entry.send.open or entry.meant is None:
        return False
    entry.is_late = entry.send.expand == "late" and entry.is_ahead
    # who has no key would ask in vain what came of it
    is_many = entry.claim is not None and await _is_many(session, entry, terms)
    if not entry.is_late and not is_many:
        return False
    entry.is_put_off = True
    await expanding.keep(session, _request(entry), when_due=entry.is_late)
    waiting = _waiting(entry.ask)
    if waiting and not entry.is_late:
        await expanding.expect(session, entry.job.id, waiting, lifetime=terms.key_lifetime)
    return True


async def given_up(append: Append, job: UUID, claim: int | None, reason: Refused) -> None:
    """Leaves of a job whose audience isn't found, or not granted, that it has failed, and why.

    Of one that has ended already only the key is left, and that is free again.
    """
    session = append.session
    if await expanding.failed(session, job):
        ended = await framing.standing(session, job)
        await append.events([events.unfound(ended, reason), events.completed(ended)])
    await accepting.unclaim(session, [claim] if claim else [])


async def ask_again(session: door.Session, key: Key, ask: Ask, terms: Terms) -> None:
    """Somebody repeats a request whose audience is still being looked for: he hears of it, too."""
    waiting = _waiting(ask)
    if waiting:
        await expanding.expect_again(session, key, waiting, lifetime=terms.key_lifetime)


async def _is_many(session: door.Session, entry: Entry, terms: Terms) -> bool:
    wanted = entry.send.audience
    if entry.meant is None or not (audience.is_below(wanted) or audience.may_be_many(wanted)):
        return False
    rows = meant.terms(entry.meant)
    limit = terms.inline_limit + 1
    return await expanding.estimate(session, entry.meant.acting, rows, limit=limit) == limit


def _request(entry: Entry) -> Request:
    return Request(
        job_id=entry.job.id,
        customer_id=entry.job.customer_id,
        person_id=entry.job.person_id,
        request_id=entry.ask.request_id,
        body_hash=entry.ask.body_hash,
        body=entry.ask.plain,
        claim=entry.claim,
    )


def _waiting(ask: Ask) -> Waiting | None:
    back = ask.back
    if not back.reply_to:
        return None
    return Waiting(reply_to=back.reply_to, correlation_id=back.correlation_id, dialect=back.speaks)
