"""`deliveryd suppression`: who isn't written to; looked at, added and lifted."""

import dataclasses
from typing import Annotated, Literal

from cyclopts import Parameter

from daemon.cli import configured, control, doors, ranges, words
from daemon.cli.blocks import Table
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.store import suppressions

_HEAD = ("suppression", "customer", "address", "kind", "list", "since", "lifted", "reason")

Kind = Literal["unsubscribe", "hard_bounce", "complaint", "manual"]
Customer = Annotated[int | None, Parameter(help="Whose it is.", validator=ranges.ID)]


async def listed(  # noqa: PLR0913 - each is an option
    *,
    customer: Customer = None,
    address: Annotated[str | None, Parameter(help="Only of this address.")] = None,
    kind: Annotated[Kind | None, Parameter(help="Only of this kind.")] = None,
    lifted: Annotated[
        bool, Parameter(help="Those too that hold no more.", negative="", show_default=False)
    ] = False,
    page: Annotated[
        int, Parameter(help="Where to go on, as the last page said.", validator=ranges.ID)
    ] = 0,
    limit: Annotated[int, Parameter(help="Rows of a page.", validator=ranges.ROWS)] = 100,
    options: Options = DEFAULT,
) -> int:
    """List who isn't written to, and why; of one customer or of all."""
    async with doors.postgres(configured.settings(options)) as store, store.session() as session:
        found = await suppressions.listed(
            session,
            customer,
            supp=address and address.lower(),
            kind=kind,
            lifted=lifted,
            after=page,
            limit=limit,
        )
    more = found[-1].id if len(found) == limit else None
    document = {"suppressions": [dataclasses.asdict(one) for one in found], "page": more}
    rows = [
        (one.id, one.customer_id, one.supp, one.kind, one.list_id, words.moment(one.created_at),
         words.moment(one.lifted_at) if one.lifted_at else "", one.reason)
        for one in found
    ]  # fmt: skip
    table = Table(head=_HEAD, rows=rows, empty="nobody")
    Screen(options).show(document, [table, *([f"more: --page {more}"] if more else [])])
    return Exit.OK


async def add(
    address: Annotated[str, Parameter(help="Who isn't written to any more.")],
    /,
    *,
    customer: Customer = None,
    kind: Annotated[Kind, Parameter(help="Why.")] = "manual",
    list_: Annotated[
        int | None,
        Parameter(name="--list", help="Only a list's mail, by its number.", validator=ranges.ID),
    ] = None,
    reason: Annotated[str | None, Parameter(help="In words, for whoever asks later.")] = None,
    options: Options = DEFAULT,
) -> int:
    """Let an address get nothing more of a customer's.

    Marketing goes by every kind, other mail by all but unsubscriptions.
    """
    given = {"address": address, "kind": kind, "list": list_, "reason": reason}
    wanted = {name: value for name, value in given.items() if value is not None}
    return await control.asked("suppressions.add", customer, options=options, **wanted)


async def lift(
    number: Annotated[int, Parameter(help="A suppression's number.", validator=ranges.ID)],
    /,
    *,
    options: Options = DEFAULT,
) -> int:
    """Let one of them, of whatever kind, hold no more."""
    async with doors.postgres(configured.settings(options)) as store, store.session() as session:
        found = await suppressions.one(session, number)
    if found is None:
        raise Ended(f"there is no suppression {number}")
    return await control.asked(
        "suppressions.lift", found.customer_id, options=options, suppression=number
    )
