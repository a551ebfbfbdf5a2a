"""Lists of contacts, `lists.*`: made, filled, looked at, taken away; of those within one's reach.

Whatever changes one is carried out once for each key, and leaves who did it and when.
"""

from functools import partial

from daemon.intake import inquiries, keys, reach, verdicts
from daemon.intake.ask import Ask, Terms, Verdict
from daemon.ledger.writer import Append
from daemon.mail.request.keeping import (
    ListsCreate,
    ListsDelete,
    ListsImport,
    ListsList,
    ListsMembers,
)
from daemon.store import changes, door, lists
from daemon.store.changes import Change, Deed

ENTITY = "list"
PRIVILEGE = "manage_lists"


async def changed(
    append: Append, ask: Ask, command: ListsCreate | ListsImport | ListsDelete, terms: Terms
) -> Verdict:
    """Makes, fills or takes away a list, unless its key was seen before."""
    session = append.session
    match command:
        case ListsCreate():
            carried_out = partial(_created, session, ask, command)
        case ListsImport():
            carried_out = partial(_imported, session, ask, command)
        case ListsDelete():
            carried_out = partial(_deleted, session, ask, command)
    if no := await reach.forbidden(session, ask, PRIVILEGE):
        return no
    return await keys.once(session, ask, terms, carried_out)


async def looked(store: door.Store, ask: Ask, command: ListsList | ListsMembers) -> Verdict:
    """A page of lists, or of the contacts of one."""
    page = inquiries.page(command.page)
    if page is None:
        return inquiries.no_page(ask)
    async with store.session() as session:
        if no := await reach.forbidden(session, ask, PRIVILEGE, looks=True):
            return no
        if isinstance(command, ListsList):
            return await _lists(session, ask, command, page)
        return await _members(session, ask, command, page)


async def _lists(session: door.Session, ask: Ask, command: ListsList, page: int) -> Verdict:
    customer = await reach.customer(session, ask, command.customer)
    if isinstance(customer, Verdict):
        return customer
    found = await lists.all_of(session, customer, after=page, limit=command.limit)
    rows = [{"list": one.id, **one.fields} for one in found]
    return inquiries.answer(ask, "lists", rows, found, command.limit)


async def _members(session: door.Session, ask: Ask, command: ListsMembers, page: int) -> Verdict:
    if await _owner(session, ask, command.list) is None:
        return verdicts.not_found(ask, "list")
    found = await lists.members(session, command.list, after=page, limit=command.limit)
    rows = [{"contact": one.id, **one.fields} for one in found]
    return inquiries.answer(ask, "members", rows, found, command.limit)


async def _owner(session: door.Session, ask: Ask, number: int) -> int | None:
    """Whose a list is, if that is within the asker's reach."""
    owner = await lists.owner(session, number)
    return owner if owner is not None and await reach.is_his(session, ask, owner) else None


async def _created(session: door.Session, ask: Ask, command: ListsCreate) -> Verdict:
    customer = await reach.customer(session, ask, command.customer)
    if isinstance(customer, Verdict):
        return customer
    number = await lists.create(session, customer, command.name)
    if number is None:
        return verdicts.conflict(ask, "name", "is that of another list of the customer")
    await _noted(session, ask, customer, number, "created")
    return verdicts.done(ask, {"list": number, "customer": customer, "name": command.name})


async def _imported(session: door.Session, ask: Ask, command: ListsImport) -> Verdict:
    customer = await _owner(session, ask, command.list)
    if customer is None or not await lists.hold(session, command.list):
        return verdicts.not_found(ask, "list")
    given = command.contacts
    rows = [one.values for one in given.sound]
    inserted = await lists.enter(session, customer, command.list, rows)
    result = {
        "list": command.list,
        "inserted": inserted,
        "updated": len(rows) - inserted,
        "invalid": len(given.wrong),
    }
    if rows:
        told = {"inserted": inserted, "given": len(rows)}
        await _noted(session, ask, customer, command.list, "imported", **told)
    log = [{"index": one.place, "message": one.message} for one in given.wrong]
    return verdicts.done(ask, {**result, "log": log})


async def _deleted(session: door.Session, ask: Ask, command: ListsDelete) -> Verdict:
    customer = await _owner(session, ask, command.list)
    members = None if customer is None else await lists.delete(session, command.list)
    if customer is None or members is None:
        return verdicts.not_found(ask, "list")
    await _noted(session, ask, customer, command.list, "deleted", members=members)
    return verdicts.done(ask, {"list": command.list, "members": members})


async def _noted(
    session: door.Session, ask: Ask, customer: int, number: int, deed: Deed, **detail: int
) -> None:
    made = Change(
        by=ask.by, customer=customer, entity=ENTITY, number=number, deed=deed, detail=detail
    )
    await changes.note(session, made)
