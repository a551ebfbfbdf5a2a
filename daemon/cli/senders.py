"""`deliveryd sender`: addresses that mail may be from; looked at, made, changed and taken away."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import Parameter

from daemon.cli import asking, configured, control, doors, paged, ranges, words
from daemon.cli.blocks import Facts, Table
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.store import senders
from daemon.store.senders import Sender

_HEAD = ("sender", "customer", "address", "name", "reply to", "transport", "active")

Number = Annotated[int, Parameter(help="The number of a sender.", validator=ranges.ID)]
Name = Annotated[
    str | None, Parameter(help="What is displayed beside the address; {{ vars }} as in a subject.")
]
ReplyTo = Annotated[str | None, Parameter(help="Where answers go; '' is nowhere else.")]
Transport = Annotated[
    int | None,
    Parameter(help="By which its mail goes; 0 is the default one.", validator=ranges.ID),
]
Active = Annotated[bool | None, Parameter(help="Whether mail may be from it.")]


async def show_all(
    *,
    customer: Annotated[
        int | None, Parameter(help="Only of this customer.", validator=ranges.ID)
    ] = None,
    page: Annotated[
        int, Parameter(help="Where to go on, as the last page said.", validator=ranges.ID)
    ] = 0,
    limit: Annotated[int, Parameter(help="Rows of a page.", validator=ranges.ROWS)] = 100,
    options: Options = DEFAULT,
) -> int:
    """List the addresses that mail may be from."""
    async with doors.postgres(configured.settings(options)) as store, store.session() as session:
        found = await senders.all_of(session, customer, after=page, limit=limit)
    rows = [
        (one.id, one.customer, one.address, one.name, one.reply_to, one.transport, one.active)
        for one in found
    ]
    table = Table(head=_HEAD, rows=rows, empty="no sender")
    paged.show("senders", [_document(one) for one in found], table, limit, options)
    return Exit.OK


async def show(number: Number, /, *, options: Options = DEFAULT) -> int:
    """Show one of them."""
    found = await _found(number, options)
    document = _document(found)
    shown = document | {"verified_at": found.verified_at and words.moment(found.verified_at)}
    facts = Facts(rows=[(name.replace("_", " "), value) for name, value in shown.items()])
    Screen(options).show(document, [facts])
    return Exit.OK


async def create(  # noqa: PLR0913 - each is an option
    address: Annotated[str, Parameter(help="Where mail is from.")],
    /,
    *,
    name: Name = None,
    reply_to: ReplyTo = None,
    transport: Transport = None,
    active: Active = None,
    customer: Annotated[
        int | None, Parameter(help="Whose; else whom we speak for.", validator=ranges.ID)
    ] = None,
    options: Options = DEFAULT,
) -> int:
    """Make an address that mail may be from: `sender_id` of a message."""
    said = _said(name=name, reply_to=reply_to, transport=transport, active=active)
    return await control.asked("senders.put", customer, options=options, address=address, **said)


async def change(  # noqa: PLR0913 - each is an option
    number: Number,
    /,
    *,
    address: Annotated[
        str | None, Parameter(help="Another address; nobody has verified that.")
    ] = None,
    name: Name = None,
    reply_to: ReplyTo = None,
    transport: Transport = None,
    active: Active = None,
    options: Options = DEFAULT,
) -> int:
    """Change what is said of one; the rest stays. Mail that was accepted stays as it is."""
    said = _said(address=address, name=name, reply_to=reply_to, transport=transport, active=active)
    if not said:
        raise Ended("say what is to change, such as --name", Exit.USAGE)
    owner = (await _found(number, options)).customer
    return await control.asked("senders.put", owner, options=options, sender=number, **said)


def delete(number: Number, /, *, yes: control.Yes = False, options: Options = DEFAULT) -> int:
    """Take one away; not while a campaign names it. A person at a terminal is asked first."""
    owner = asyncio.run(_found(number, options)).customer
    asking.sure(f"Delete sender {number}?", yes=yes)
    return asyncio.run(control.asked("senders.delete", owner, options=options, sender=number))


def _said(**given: Any) -> dict[str, Any]:
    """What was typed, as a request says it: an empty text takes a value away."""
    said = {name: value for name, value in given.items() if value is not None}
    return said | ({"transport": ""} if said.get("transport") == 0 else {})


async def _found(number: int, options: Options) -> Sender:
    async with doors.postgres(configured.settings(options)) as store, store.session() as session:
        found = await senders.one(session, number)
    if found is None:
        raise Ended(f"there is no sender {number}")
    return found


def _document(sender: Sender) -> dict[str, Any]:
    fields = asdict(sender)
    return {"sender": fields.pop("id"), **fields}
