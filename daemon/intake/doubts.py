"""`doubt.resolve`: a person decides over deliveries of which nobody knows if they were taken."""

from daemon.intake import verdicts
from daemon.intake.ask import Ask, Verdict
from daemon.ledger import deciding
from daemon.ledger.writer import Append
from daemon.mail import ids
from daemon.mail.request.commands import DoubtResolve
from daemon.store import control

AT_ONCE = 10_000
"""Doubts decided by one command; the answer says whether there may be more."""


async def resolve(append: Append, ask: Ask, command: DoubtResolve) -> Verdict:
    """Decides the open doubts of a job, or of some deliveries; those that have ended are let be."""
    found = await control.doubts(
        append.session,
        ask.customer.id,
        job=command.job,
        deliveries=command.deliveries,
        limit=AT_ONCE,
    )
    if not found and not await _is_own(append, ask, command):
        return verdicts.not_found(ask, "job" if command.job else "deliveries")
    number = await deciding.decided(append, found, command.action)
    result = {command.action: number, "more": len(found) == AT_ONCE}
    return verdicts.done(ask, result, unchanged=not found)


async def _is_own(append: Append, ask: Ask, command: DoubtResolve) -> bool:
    """Whether what is named is the asker's at all."""
    if command.job:
        return await control.job(append.session, ask.customer.id, command.job) is not None
    batches = {ids.place_of(number)[0] for number in command.deliveries or ()}
    owners = [await control.job_of(append.session, ask.customer.id, batch) for batch in batches]
    return any(owners)
