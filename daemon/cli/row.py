"""`deliveryd directory list|get|put|delete`: single rows of the directory."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from daemon.cli import asking, configured, control, doors, ranges, words
from daemon.cli.blocks import Block, Facts, Table
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.store import keeping

_SHOWN = 5
"""Columns of a row that fit beside each other."""

Entity = Annotated[
    Literal["customer", "person", "billing_contact", "agent", "plan", "role"],
    Parameter(help="What kind of row."),
]
Number = Annotated[
    int, Parameter(help="Its number; of an agent, his person's.", validator=ranges.ID)
]
Customer = Annotated[int | None, Parameter(help="Whose it is.", validator=ranges.ID)]


async def listed(
    entity: Entity,
    /,
    *,
    customer: Annotated[
        int | None,
        Parameter(
            help="Whose; of customers, those directly below. Else everybody's.", validator=ranges.ID
        ),
    ] = None,
    page: Annotated[
        int, Parameter(help="Where to go on, as the last page said.", validator=ranges.ID)
    ] = 0,
    limit: Annotated[int, Parameter(help="Rows of a page.", validator=ranges.ROWS)] = 100,
    options: Options = DEFAULT,
) -> int:
    """List rows, of a customer or of all."""
    async with doors.postgres(configured.settings(options)) as store, store.session() as session:
        found = await keeping.rows(
            session, entity, customer=customer, number=None, after=page, limit=limit
        )
    more = found[-1]["id"] if len(found) == limit else None
    head = tuple(found[0])[:_SHOWN] if found else ("id",)
    rows = [tuple(_cell(one[name]) for name in head) for one in found]
    table = Table(head=head, rows=rows, empty=f"no {entity.replace('_', ' ')}")
    blocks: list[Block] = [table, *([f"more: --page {more}"] if more else [])]
    Screen(options).show({"rows": found, "page": more}, blocks)
    return Exit.OK


async def get(
    entity: Entity, number: Number, /, *, customer: Customer = None, options: Options = DEFAULT
) -> int:
    """Show one row."""
    found = await _row(options, entity, number, customer)
    Screen(options).show(found, [Facts(rows=[(name, _cell(one)) for name, one in found.items()])])
    return Exit.OK


async def put(
    entity: Entity,
    fields: Annotated[
        tuple[str, ...], Parameter(help="FIELD=VALUE: see `deliveryd directory export`.")
    ],
    /,
    *,
    customer: Customer = None,
    options: Options = DEFAULT,
) -> int:
    """Enter a row, or with id=… change one; what isn't said of it stays as it is."""
    row = _read(entity, fields)
    if customer is None and "id" in row:
        found = await _row(options, entity, row["id"], None)
        customer = found["id"] if entity == "customer" else found.get("customer_id")
    return await control.asked("directory.put", customer, options=options, entity=entity, row=row)


def delete(
    entity: Entity,
    number: Number,
    /,
    *,
    customer: Customer = None,
    yes: control.Yes = False,
    options: Options = DEFAULT,
) -> int:
    """Let one row go; customers and people are marked as gone. A person at a terminal is asked."""
    import asyncio  # noqa: PLC0415 - the question is asked between two loops

    found = asyncio.run(_row(options, entity, number, customer))
    asking.sure(f"Delete {entity} {number}?", yes=yes)
    owner = found["id"] if entity == "customer" else found.get("customer_id")
    of = {"customer": owner} if entity == "agent" else {}
    return asyncio.run(
        control.asked("directory.delete", owner, options=options, entity=entity, id=number, **of)
    )


async def _row(options: Options, entity: str, number: int, customer: int | None) -> dict[str, Any]:
    if entity == "agent" and customer is None:
        raise Ended("an agent is named by his person, and --customer", Exit.USAGE)
    async with doors.postgres(configured.settings(options)) as store, store.session() as session:
        found = await keeping.rows(
            session, entity, customer=customer, number=number, after=-1, limit=1
        )
    if not found:
        raise Ended(f"there is no {entity} {number}")
    return found[0]


def _read(entity: str, fields: tuple[str, ...]) -> dict[str, Any]:
    """The row that was typed: each value as a file has it."""
    from daemon.mail.directory.entities import BY_NAME  # noqa: PLC0415 - pydantic: --help needs none

    row: dict[str, Any] = {}
    for field in fields:
        name, equals, text = field.partition("=")
        if not equals:
            raise Ended(f"{field} is no FIELD=VALUE", Exit.USAGE)
        column = BY_NAME[entity].column(name)
        try:
            row[name] = column.kind.json(text) if column and text else text
        except ValueError:
            raise Ended(f"{name}: {text} isn't of its kind", Exit.USAGE) from None
    return row


def _cell(value: object) -> object:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={one}" for name, one in value.items())
    return words.listed(value)
