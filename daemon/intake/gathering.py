"""The list that a send makes of whoever is meant (`create_list`), once it is known who that is."""

from daemon.expansion import gathering
from daemon.intake.ask import Terms
from daemon.intake.entry import Entry
from daemon.store import changes, door, lists
from daemon.store.changes import Change

ENTITY = "list"


async def gathered(
    session: door.Session, entry: Entry, terms: Terms, *, within: float | None = None
) -> None:
    """Makes the list that a send asks for, or takes the one of that name, and fills it.

    `within`: seconds that each step may take; None = as long as any statement.
    """
    wanted, place = entry.send.create_list, entry.place
    if wanted is None or place is None or entry.is_put_off:
        return
    customer = entry.send.act_as_customer or entry.ask.customer.id
    found = await lists.gather(session, customer, wanted.name)
    entry.list = found.id
    given = await gathering.entered(
        session, place, customer, found.id, entry.send.recipients, need_dot=terms.need_dot
    )
    if entry.meant is not None:
        await lists.enter_meant(session, customer, found.id, place.job_id, within=within)
    await changes.note(
        session,
        Change(
            by=entry.ask.by,
            customer=customer,
            entity=ENTITY,
            number=found.id,
            deed="created" if found.is_new else "imported",
            detail={"job": str(place.job_id), "given": given},
        ),
    )
