"""Senders, `senders.*`: addresses that mail may be from; kept for oneself and for those below.

Whatever changes one is carried out once for each key, and leaves who did it and when.
"""

from dataclasses import asdict
from functools import partial
from typing import Any

from daemon.intake import inquiries, keys, reach, roles, verdicts
from daemon.intake.ask import Ask, Terms, Verdict
from daemon.ledger.writer import Append
from daemon.mail.refusal import Code
from daemon.mail.request.keeping import SendersDelete, SendersGet, SendersList, SendersPut
from daemon.store import changes, door, senders
from daemon.store.changes import Change, Deed
from daemon.store.keeping import Held
from daemon.store.senders import Said, Sender

ENTITY = "sender"

_NO_TRANSPORT = "names no transport of this customer"
_HELD = "is named by a campaign: switch it off instead (`active: false`)"


async def changed(
    append: Append, ask: Ask, command: SendersPut | SendersDelete, terms: Terms
) -> Verdict:
    """Makes, changes or takes away a sender, unless its key was seen before."""
    session = append.session
    if no := await reach.forbidden(session, ask, roles.TRANSPORTS):
        return no
    if isinstance(command, SendersDelete):
        return await keys.once(session, ask, terms, partial(_deleted, session, ask, command))
    return await keys.once(session, ask, terms, partial(_put, session, ask, command))


async def looked(store: door.Store, ask: Ask, command: SendersList | SendersGet) -> Verdict:
    """One sender, or a page of them."""
    async with store.session() as session:
        if no := await reach.forbidden(session, ask, roles.TRANSPORTS, looks=True):
            return no
        if isinstance(command, SendersGet):
            return await _got(session, ask, command)
        return await _listed(session, ask, command)


async def _got(session: door.Session, ask: Ask, command: SendersGet) -> Verdict:
    found = await senders.one(session, command.sender)
    if found is None or not await reach.is_his(session, ask, found.customer):
        return verdicts.not_found(ask, "sender")
    return verdicts.done(ask, row(found))


async def _listed(session: door.Session, ask: Ask, command: SendersList) -> Verdict:
    page = inquiries.page(command.page)
    if page is None:
        return inquiries.no_page(ask)
    customer = await reach.customer(session, ask, command.customer)
    if isinstance(customer, Verdict):
        return customer
    found = await senders.all_of(session, customer, after=page, limit=command.limit)
    return inquiries.answer(ask, "senders", [row(one) for one in found], found, command.limit)


async def _put(session: door.Session, ask: Ask, command: SendersPut) -> Verdict:
    customer = await _owner(session, ask, command)
    if isinstance(customer, Verdict):
        return customer
    if command.transport and not await senders.has_transport(session, customer, command.transport):
        return verdicts.refused(ask, Code.NOT_FOUND, "transport", _NO_TRANSPORT)
    said = Said(
        name=command.name,
        address=command.address,
        reply_to=command.reply_to,
        transport=command.transport,
        active=command.active,
    )
    if command.sender is None:
        number, is_changed = await senders.enter(session, customer, said), True
    else:
        number, is_changed = command.sender, await senders.change(session, command.sender, said)
    if is_changed:
        told = sorted(name for name, value in asdict(said).items() if value is not None)
        deed: Deed = "created" if command.sender is None else "changed"
        await _noted(session, ask, customer, number, deed, fields=told)
    found = await senders.one(session, number)
    assert found is not None  # noqa: S101 - it is held
    return verdicts.done(ask, row(found), unchanged=not is_changed)


async def _owner(session: door.Session, ask: Ask, command: SendersPut) -> int | Verdict:
    """Whose a new one is to be, or one that is there is: nobody else changes that one then."""
    if command.sender is None:
        return await reach.customer(session, ask, command.customer)
    owner = await senders.hold(session, command.sender)
    if owner is None or not await reach.is_his(session, ask, owner):
        return verdicts.not_found(ask, "sender")
    return owner


async def _deleted(session: door.Session, ask: Ask, command: SendersDelete) -> Verdict:
    owner = await senders.hold(session, command.sender)
    if owner is None or not await reach.is_his(session, ask, owner):
        return verdicts.not_found(ask, "sender")
    try:
        await senders.delete(session, command.sender)
    except Held:
        return verdicts.conflict(ask, "sender", _HELD)
    await _noted(session, ask, owner, command.sender, "deleted")
    return verdicts.done(ask, {"sender": command.sender})


async def _noted(
    session: door.Session, ask: Ask, customer: int, number: int, deed: Deed, **detail: Any
) -> None:
    made = Change(
        by=ask.by, customer=customer, entity=ENTITY, number=number, deed=deed, detail=detail
    )
    await changes.note(session, made)


def row(sender: Sender) -> dict[str, Any]:
    """One as answers show it."""
    fields = asdict(sender)
    return {"sender": fields.pop("id"), **fields}
