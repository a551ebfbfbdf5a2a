"""`deliveryd credit`: accounts of credit, shown, paid into and put right by an operator.

What changes something goes straight to the database, by the same way as requests on the queue do;
the system's user who typed it is kept beside it.
"""

import re
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import uuid4

from cyclopts import Parameter

from daemon.cli import configured, doors, ranges, typist, words
from daemon.cli.blocks import Facts, Table
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.mail import money
from daemon.mail.money import Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from daemon.directory.credit import Done, Trouble
    from daemon.ledger.writer import Append
    from daemon.mail.event import Told
    from daemon.store.credit import Line
    from daemon.store.streams import Stream

_AMOUNT = re.compile(r"[+-]?\d{1,10}(\.\d{1,8})?", re.ASCII)
_HEAD = ("line", "at", "kind", "units", "price", "amount", "balance", "reserved", "job", "by")
_NUMBERS = frozenset({"line", "units", "price", "amount", "balance", "reserved"})

T = TypeVar("T")

Customer = Annotated[int, Parameter(help="The number of a customer.", validator=ranges.ID)]
Key = Annotated[
    str | None,
    Parameter(help="The same key again enters nothing: for whoever repeats. Else a new one."),
]


async def show(customer: Customer, /, *, options: Options = DEFAULT) -> int:
    """Show what an account holds, what of it is set aside, and what an e-mail costs."""
    from daemon.directory import credit as crediting  # noqa: PLC0415 - --help needs none
    from daemon.store import credit  # noqa: PLC0415

    async with doors.postgres(configured.settings(options)) as store:
        found = await credit.shown(store, customer)
    if found is None:
        raise Ended(f"customer {customer} has no account of credit")
    document = crediting.shown(found)
    Screen(options).show(document, [Facts(rows=_facts(document))])
    return Exit.OK


async def topup(
    customer: Customer,
    amount: Annotated[str, Parameter(help="What is paid in, such as 100 or 12.50.")],
    /,
    *,
    key: Key = None,
    currency: Annotated[
        str | None, Parameter(help="Of a new account; else that of the customer's plan, or EUR.")
    ] = None,
    options: Options = DEFAULT,
) -> int:
    """Pay in; the first time opens the account, and from then on the customer pays.

    Only for e-mails of a plan with a price that is prepaid or postpaid.
    """
    from daemon.directory import credit as crediting  # noqa: PLC0415 - --help needs none

    paid = _amount(amount)
    if paid <= 0:
        raise Ended("an amount to be paid in is more than 0", Exit.USAGE)
    async with _appending(options) as append:
        is_new = await crediting.opened(append.session, customer, currency, by=typist.name())
        done = await crediting.entered(
            append.session, Kind.TOPUP, customer, paid, key=_key("topup", key), by=typist.name()
        )
        entered = _demanded(done, customer)
        await append.events(entered.events)
    return _tell(entered, options, "opened, and " if is_new else "")


async def adjust(
    customer: Customer,
    amount: Annotated[
        str | None,
        Parameter(help="By how much, such as 5 or -2.50.", allow_leading_hyphen=True),
    ] = None,
    /,
    *,
    key: Key = None,
    overdraft: Annotated[
        str | None, Parameter(help="How far below 0 the account may fall from now on.")
    ] = None,
    low: Annotated[
        str | None,
        Parameter(help="Below how much `credit.low` is told from now on; `never` for no amount."),
    ] = None,
    options: Options = DEFAULT,
) -> int:
    """Put a balance right, up or down, or change the floor or the threshold of an account."""
    from daemon.directory import credit as crediting  # noqa: PLC0415 - --help needs none
    from daemon.directory.credit import Terms  # noqa: PLC0415

    by = _amount(amount or "0")
    terms = Terms(
        overdraft=None if overdraft is None else _positive(overdraft),
        low=None if low in (None, "never") else _positive(low or ""),
        is_silent=low == "never",
    )
    if not by and terms == Terms():
        raise Ended("adjust takes an amount, --overdraft or --low", Exit.USAGE)
    async with _appending(options) as append:
        if terms != Terms():
            told = await crediting.agreed(append.session, customer, terms, by=typist.name())
            await append.events(_demanded(told, customer))
        done = None
        if by:
            found = await crediting.entered(
                append.session, Kind.ADJUST, customer, by, key=_key("adjust", key), by=typist.name()
            )
            done = _demanded(found, customer)
            await append.events(done.events)
    return await show(customer, options=options) if done is None else _tell(done, options, "")


async def statement(
    customer: Customer,
    /,
    *,
    page: Annotated[
        int, Parameter(help="Where to go on, as the last page said.", validator=ranges.ID)
    ] = 0,
    limit: Annotated[int, Parameter(help="Rows of a page.", validator=ranges.ROWS)] = 100,
    options: Options = DEFAULT,
) -> int:
    """List what was entered in an account, by whom and when, and how it stood after it."""
    from daemon.store import credit  # noqa: PLC0415 - --help needs none

    async with doors.postgres(configured.settings(options)) as store:
        found = await credit.statement(store, customer, after=page, limit=limit)
        if not found and await credit.shown(store, customer) is None:
            raise Ended(f"customer {customer} has no account of credit")
    more = found[-1].id if len(found) == limit else None
    rows = [_row(line) for line in found]
    table = Table(head=_HEAD, rows=rows, empty="nothing was entered", numbers=_NUMBERS)
    document = {"lines": [_line(line) for line in found], "page": more}
    Screen(options).show(document, [table, *([f"more: --page {more}"] if more else [])])
    return Exit.OK


class _Left:
    """Tells nothing: whoever is at work adopts our stream, and tells what is in it."""

    def offer(self, told: "Sequence[Told]") -> None:
        """It is committed, and read from there."""

    def ended(self, stream: "Stream") -> None:
        """Whoever adopts it closes it."""


@asynccontextmanager
async def _appending(options: Options) -> "AsyncIterator[Append]":
    """A transaction with a stream of its own."""
    from daemon.ledger.writer import Writer  # noqa: PLC0415 - --help needs none

    async with doors.postgres(configured.settings(options)) as store:
        writer = Writer(store, _Left(), instance=uuid4(), kind="cli")
        async with writer.transaction() as append:
            yield append


def _demanded(found: "T | Trouble", customer: int) -> T:
    from daemon.directory.credit import Trouble  # noqa: PLC0415 - --help needs none

    if not isinstance(found, Trouble):
        return found
    about = {
        Trouble.NO_ACCOUNT: f"customer {customer}",
        Trouble.CONFLICT: "the key",
    }
    raise Ended(f"{about.get(found, 'that')} {found}")


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise Ended("an amount is written as 100 or 12.50, with up to 8 decimals", Exit.USAGE)
    return Decimal(text)


def _positive(text: str) -> Decimal:
    amount = _amount(text)
    if amount < 0:
        raise Ended("a floor and a threshold are at least 0", Exit.USAGE)
    return amount


def _key(kind: str, key: str | None) -> str:
    return f"{kind}:cli:{key or uuid4()}"


def _tell(done: "Done", options: Options, before: str) -> int:
    from daemon.directory import credit as crediting  # noqa: PLC0415 - --help needs none

    document = crediting.told(done)
    repeated = {"repeated": True} if done.is_repeated else {}
    deed = "nothing changed: the key was used for it before" if repeated else f"{before}entered"
    Screen(options).show({**document, **repeated}, [deed, Facts(rows=_facts(document))])
    return Exit.OK


def _facts(document: dict[str, Any]) -> list[tuple[str, object]]:
    return [(name.replace("_", " "), value) for name, value in document.items()]


def _line(line: "Line") -> dict[str, Any]:
    return {
        "line": line.id,
        "at": line.created_at,
        "kind": line.kind,
        "units": line.units,
        "price": money.text(line.unit_price),
        "amount": money.text(line.amount),
        "balance": money.text(line.balance_after),
        "reserved": money.text(line.reserved_after),
        "job": line.job_id,
        "by": line.by,
    }


def _row(line: "Line") -> list[object]:
    cells = _line(line) | {"at": words.moment(line.created_at)}
    if not line.units:
        cells |= {"units": None, "price": None}
    return [cells[name] for name in _HEAD]
