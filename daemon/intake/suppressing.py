"""`suppressions.*`: who isn't written to, of any kind; what people say of themselves is elsewhere.

Whatever is added counts for all that hasn't started: the answer comes when nothing can any more.
"""

from typing import Any

from daemon.intake import inquiries, reach, verdicts
from daemon.intake.ask import Ask, Terms, Verdict
from daemon.ledger.writer import Append
from daemon.mail.event import Event, Type
from daemon.mail.refusal import Code
from daemon.mail.request.keeping import SuppressionsAdd, SuppressionsLift, SuppressionsList
from daemon.store import changes, door, suppressions
from daemon.store.changes import Change
from daemon.store.suppressions import New, Suppression

ENTITY = "suppression"
PRIVILEGE = "manage_lists"

_NO_LIST = "names no list of this customer"


async def listed(store: door.Store, ask: Ask, command: SuppressionsList) -> Verdict:
    """A page of them, in the order in which they were noted."""
    page = inquiries.page(command.page)
    if page is None:
        return inquiries.no_page(ask)
    async with store.session() as session:
        if no := await reach.forbidden(session, ask, PRIVILEGE, looks=True):
            return no
        customer = await reach.customer(session, ask, command.customer)
        if isinstance(customer, Verdict):
            return customer
        found = await suppressions.listed(
            session,
            customer,
            supp=command.address and command.address.lower(),
            kind=command.kind,
            lifted=command.lifted,
            after=page,
            limit=command.limit,
        )
    rows = [_row(one) for one in found]
    return inquiries.answer(ask, "suppressions", rows, found, command.limit)


async def add(append: Append, ask: Ask, command: SuppressionsAdd, terms: Terms) -> Verdict:
    """Notes one; the answer says when it was noted before."""
    session = append.session
    if no := await reach.forbidden(session, ask, PRIVILEGE):
        return no
    customer = await reach.customer(session, ask, command.customer)
    if isinstance(customer, Verdict):
        return customer
    if command.list is not None and not await suppressions.has_list(
        session, customer, command.list
    ):
        return verdicts.refused(ask, Code.NOT_FOUND, "list", _NO_LIST)
    new = New(
        customer=customer,
        supp=command.address.lower(),
        list_id=command.list,
        kind=command.kind,
        reason=command.reason,
    )
    number = await suppressions.add(session, new)
    if number is None:
        return verdicts.done(ask, {"changed": False}, delay=terms.permit_window, unchanged=True)
    detail = {"kind": command.kind, "list": command.list}
    await _noted(append, ask, customer, number, "created", detail)
    if command.kind == "unsubscribe":
        await append.events([_event(Type.ENGAGEMENT_UNSUBSCRIBED, ask, customer, command.address)])
    result = {"changed": True, "suppression": number, "customer": customer}
    return verdicts.done(ask, result, delay=terms.permit_window)


async def lift(append: Append, ask: Ask, command: SuppressionsLift) -> Verdict:
    """One of them holds no more."""
    session = append.session
    if no := await reach.forbidden(session, ask, PRIVILEGE):
        return no
    found = await suppressions.one(session, command.suppression)
    if found is None or not await reach.is_his(session, ask, found.customer_id):
        return verdicts.not_found(ask, "suppression")
    result = {"suppression": found.id, "customer": found.customer_id}
    if found.lifted_at is not None:
        return verdicts.done(ask, {"changed": False, **result}, unchanged=True)
    await suppressions.lift(session, found.id)
    await _noted(append, ask, found.customer_id, found.id, "changed", {"lifted": True})
    if found.kind == "unsubscribe":
        kind = Type.ENGAGEMENT_RESUBSCRIBED
        await append.events([_event(kind, ask, found.customer_id, found.supp)])
    return verdicts.done(ask, {"changed": True, **result})


async def _noted(
    append: Append,
    ask: Ask,
    customer: int,
    number: int,
    deed: changes.Deed,
    detail: dict[str, Any],
) -> None:
    change = Change(
        by=ask.by, customer=customer, entity=ENTITY, number=number, deed=deed, detail=detail
    )
    await changes.note(append.session, change)


def _event(kind: Type, ask: Ask, customer: int, address: str) -> Event:
    data = {"source": "api"} | ({"request_id": ask.request_id} if ask.request_id else {})
    return Event(type=kind, customer_id=customer, address=address, data=data)


def _row(one: Suppression) -> dict[str, Any]:
    return {
        "suppression": one.id,
        "customer": one.customer_id,
        "address": one.supp,
        "list": one.list_id,
        "effect": one.effect,
        "kind": one.kind,
        "reason": one.reason,
        "source": one.source,
        "created_at": one.created_at,
        "lifted_at": one.lifted_at,
    }
