"""Accounts of credit: locked, entered in, and jobs booked as far as they have come.

Accounts are locked last of all rows, in the order of their customers.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from daemon.mail.money import Account, Bill, Entry, Standing
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
