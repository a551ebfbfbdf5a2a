"""Accounts of credit: locked, entered in, shown, and jobs booked as far as they have come.

Accounts are locked last of all rows, in the order of their customers.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from daemon.mail.money import Account, Bill, Entry, Kind, Standing
from daemon.store import door


@dataclass(frozen=True, slots=True, kw_only=True)
class ToBook:
    """A locked job: how far it is booked, and how far it has come."""

    id: UUID
    payer: int
    price: Decimal
    was: Standing
    now: Standing
    is_finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An account, and what its customer's plan says of prices."""

    customer_id: int
    balance: Decimal
    reserved: Decimal
    overdraft: Decimal
    currency: str
    low_threshold: Decimal | None
    is_low: bool
    plan: str | None
    bill_type: str | None
    price: Decimal | None

    @property
    def residual(self) -> Decimal:
        """What is left."""
        return self.balance - self.reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of an account's statement."""

    id: int
    created_at: datetime
    kind: str
    units: int
    unit_price: Decimal
    amount: Decimal
    balance_after: Decimal
    reserved_after: Decimal
    job_id: UUID | None
    by: str
    """Who did it; empty = the daemon, for a job."""


async def accounts(session: door.Session, customers: Collection[int]) -> dict[int, Account]:
    """The accounts of customers, locked; who has none isn't among them."""
    rows = await session.rows("credit.accounts", sorted(set(customers)))
    return {row["customer_id"]: Account(**dict(row)) for row in rows}


async def enter(
    session: door.Session, accounts: Mapping[int, Account], entries: Sequence[Entry]
) -> None:
    """Keeps entries, and how the accounts stand after them."""
    if not entries:
        return
    changed = [accounts[customer] for customer in sorted({one.customer_id for one in entries})]
    await session.run(
        "credit.enter",
        [account.customer_id for account in changed],
        [account.balance for account in changed],
        [account.reserved for account in changed],
        [account.is_low for account in changed],
        *map(list, zip(*map(_line, entries), strict=True)),
    )


def _line(entry: Entry) -> tuple[object, ...]:
    return (
        entry.customer_id, entry.job_id, entry.kind, entry.units, entry.price, entry.amount,
        entry.balance_after, entry.reserved_after, entry.key, entry.by,
    )  # fmt: skip


async def bill(session: door.Session, job: UUID, *, grown_by: int) -> Bill | None:
    """What is to be paid for a locked job that has grown; None when nobody pays for it."""
    row = await session.row("credit.bill", job)
    if row is None:
        return None
    booked = row["booked_handed"], row["booked_released"]
    return Bill(
        job=job,
        payer=row["payer_id"],
        price=row["price"],
        was=Standing(row["queued"] - grown_by, *booked),
        queued=row["queued"],
    )


async def our_turn(session: door.Session) -> bool:
    """Whether nobody else is booking; until the end of the transaction nobody else will."""
    is_ours: bool = await session.value("credit.turn")
    return is_ours


async def to_book(
    session: door.Session, limit: int, *, without: Collection[UUID] = ()
) -> list[ToBook]:
    """The next jobs that must be booked, locked; their payers too, against being paused."""
    found = await session.rows("credit.to_book", limit, list(without))
    await session.run("credit.payers", sorted({row["payer_id"] for row in found}))
    rows = await session.rows("credit.jobs", [row["id"] for row in found])
    return [_to_book(row) for row in rows]


def _to_book(row: door.Row) -> ToBook:
    return ToBook(
        id=row["id"],
        payer=row["payer_id"],
        price=row["price"],
        was=Standing(row["queued"], row["booked_handed"], row["booked_released"]),
        now=Standing(row["queued"], row["handed"], row["released"]),
        is_finished=row["is_finished"],
    )


async def booked(session: door.Session, jobs: Sequence[ToBook]) -> None:
    """Notes how far jobs are booked."""
    await session.run(
        "credit.booked",
        [job.id for job in jobs],
        [job.now.handed for job in jobs],
        [job.now.released for job in jobs],
        [job.is_finished for job in jobs],
    )


async def line(session: door.Session, key: str) -> Entry | None:
    """What a key was used for; None when it wasn't."""
    row = await session.row("credit.line", key)
    if row is None:
        return None
    fields = dict(row)
    return Entry(kind=Kind(fields.pop("kind")), **fields)


async def open_account(session: door.Session, customer: int, currency: str | None) -> bool:
    """Opens an account for a customer who has none; answers whether it is a new one.

    Without a currency it is that of his plan.
    """
    return bool(await session.run("credit.open", customer, currency))


async def put_terms(session: door.Session, account: Account) -> None:
    """Writes the floor and the threshold of a locked account."""
    await session.run(
        "credit.terms",
        account.customer_id,
        account.overdraft,
        account.low_threshold,
        account.is_low,
    )


async def note_change(
    session: door.Session, customer: int, deed: str, *, by: str, detail: dict[str, str | None]
) -> None:
    """Keeps who changed an account otherwise than by an entry."""
    await session.run("credit.change", by, customer, deed, detail)


async def shown(store: door.Store, customer: int) -> Shown | None:
    """An account as it stands; None when the customer has none."""
    row = await store.row("credit.shown", customer)
    return Shown(**dict(row)) if row else None


async def statement(
    store: door.Store, customer: int, *, after: int = 0, limit: int = 100
) -> list[Line]:
    """What was entered in an account, with an id after `after`, in its order."""
    rows = await store.rows("credit.statement", customer, after, limit)
    return [Line(**dict(row)) for row in rows]
