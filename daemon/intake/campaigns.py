"""Campaigns, `campaigns.*`: what mailings share, for oneself and those below; and how they stand.

Whatever changes one is carried out once for each key, and leaves who did it and when.
"""

from dataclasses import asdict
from functools import partial
from typing import Any

from daemon.intake import inquiries, keys, reach, roles, verdicts
from daemon.intake.ask import Ask, Terms, Verdict
from daemon.ledger.writer import Append
from daemon.mail import counts
from daemon.mail.refusal import Code, Fault
from daemon.mail.request.commands import Status
from daemon.mail.request.keeping import (
    CampaignsActivate,
    CampaignsCreate,
    CampaignsDeactivate,
    CampaignsGet,
    CampaignsList,
)
from daemon.store import campaigns, changes, door
from daemon.store.campaigns import Campaign, New
from daemon.store.changes import Change, Deed

ENTITY = "campaign"

_NOT_THERE = {
    "sender": "names no sender of this customer",
    "transport": "names no transport of this customer",
}
_CONTENT = frozenset({"subject", "html"})


async def changed(
    append: Append,
    ask: Ask,
    command: CampaignsCreate | CampaignsActivate | CampaignsDeactivate,
    terms: Terms,
) -> Verdict:
    """Makes a campaign, or switches one on or off, unless its key was seen before."""
    session = append.session
    if no := await reach.forbidden(session, ask, roles.SEND):
        return no
    if isinstance(command, CampaignsCreate):
        return await keys.once(session, ask, terms, partial(_created, session, ask, command))
    return await keys.once(session, ask, terms, partial(_switched, session, ask, command))


async def looked(store: door.Store, ask: Ask, command: CampaignsList | CampaignsGet) -> Verdict:
    """One campaign, or a page of them."""
    async with store.session() as session:
        if no := await reach.forbidden(session, ask, roles.SEND, looks=True):
            return no
        if isinstance(command, CampaignsList):
            return await _listed(session, ask, command)
        found = await _his(session, ask, command.campaign)
        return verdicts.done(ask, row(found)) if found else verdicts.not_found(ask, "campaign")


async def status(store: door.Store, ask: Ask, command: Status) -> Verdict:
    """The asker's own jobs under a campaign, and their numbers together."""
    assert command.campaign is not None  # noqa: S101 - the caller sorts
    async with store.session() as session:
        found = await _his(session, ask, command.campaign)
        if found is None:
            return verdicts.not_found(ask, "campaign")
        booked = await campaigns.booked(session, ask.customer.id, found.id)
    result = {
        "campaign": found.id,
        "name": found.name,
        "active": found.active,
        "jobs": dict(booked.jobs),
        "counts": dict(booked.numbers),
        "balanced": counts.is_balanced(booked.numbers),
    }
    return verdicts.done(ask, result)


async def _listed(session: door.Session, ask: Ask, command: CampaignsList) -> Verdict:
    page = inquiries.page(command.page)
    if page is None:
        return inquiries.no_page(ask)
    customer = await reach.customer(session, ask, command.customer)
    if isinstance(customer, Verdict):
        return customer
    found = await campaigns.all_of(
        session, customer, active=command.active, after=page, limit=command.limit
    )
    rows = [brief(one) for one in found]
    return inquiries.answer(ask, "campaigns", rows, found, command.limit)


async def _his(session: door.Session, ask: Ask, number: int) -> Campaign | None:
    """A campaign within the asker's reach."""
    found = await campaigns.one(session, number)
    return found if found and await reach.is_his(session, ask, found.customer) else None


async def _created(session: door.Session, ask: Ask, command: CampaignsCreate) -> Verdict:
    customer = await reach.customer(session, ask, command.customer)
    if isinstance(customer, Verdict):
        return customer
    new = New(
        customer=customer,
        name=command.name,
        type=command.type,
        active=command.active,
        subject=command.subject,
        html=command.html,
        sender=command.sender,
        transport=command.transport,
        created_by=ask.person_id,
    )
    if missing := await campaigns.missing(session, new):
        faults = (
            Fault(code=Code.NOT_FOUND, field=name, message=_NOT_THERE[name]) for name in missing
        )
        return verdicts.refused_for(ask, *faults)
    number = await campaigns.enter(session, new)
    await _noted(session, ask, customer, number, "created")
    found = await campaigns.one(session, number)
    assert found is not None  # noqa: S101 - it was entered
    return verdicts.done(ask, row(found))


async def _switched(
    session: door.Session, ask: Ask, command: CampaignsActivate | CampaignsDeactivate
) -> Verdict:
    owner = await campaigns.owner(session, command.campaign)
    if owner is None or not await reach.is_his(session, ask, owner):
        return verdicts.not_found(ask, "campaign")
    on = isinstance(command, CampaignsActivate)
    is_changed = await campaigns.switch(session, command.campaign, on=on)
    if is_changed:
        await _noted(session, ask, owner, command.campaign, "changed", active=on)
    result = {"campaign": command.campaign, "customer": owner, "active": on}
    return verdicts.done(ask, result, unchanged=not is_changed)


async def _noted(
    session: door.Session, ask: Ask, customer: int, number: int, deed: Deed, **detail: Any
) -> None:
    made = Change(
        by=ask.by, customer=customer, entity=ENTITY, number=number, deed=deed, detail=detail
    )
    await changes.note(session, made)


def row(campaign: Campaign) -> dict[str, Any]:
    """One as answers show it."""
    fields = asdict(campaign)
    return {"campaign": fields.pop("id"), **fields}


def brief(campaign: Campaign) -> dict[str, Any]:
    """The same without its content, which may be long."""
    return {name: value for name, value in row(campaign).items() if name not in _CONTENT}
