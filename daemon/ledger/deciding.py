"""Doubts are decided: by a person's word or by the time that has passed, it is the same work."""

from daemon.ledger.writer import Append
from daemon.mail import doubt, ids
from daemon.store import accepting, settling


async def decided(append: Append, found: list[doubt.Open], action: doubt.Action) -> int:
    """Decides open doubts that were found; answers how many still were in doubt."""
    locked = await settling.locked_places(
        append.session,
        jobs={one.job_id for one in found},
        batches={ids.place_of(one.delivery_id)[0] for one in found},
    )
    settlement = doubt.resolved(
        found, action, batches=locked.batches, jobs=locked.jobs, now=append.at
    )
    await append.events(settlement.events)
    await settling.write(append.session, settlement, locked)
    if settlement.retries:
        await accepting.wake(append.session)
    return len(settlement.resolved)
