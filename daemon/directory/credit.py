"""Credit is paid in and put right: one implementation for whoever asks by queue or types.

Each is done in the session's transaction, under a key that is used once for ever: the same again
finds what was entered the first time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from daemon.mail import money
from daemon.mail.event import Event
from daemon.mail.money import Account, Entry, Kind
from daemon.store import credit, door
from daemon.store.credit import Shown


class Trouble(StrEnum):
    """Why nothing was entered, as it is said to people."""

    NO_ACCOUNT = "has no account of credit"
    CONFLICT = "was used for another amount, or for another account"
    TOO_MUCH = "would be more than an account holds"
    TOO_LITTLE = "would be below the floor of the account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was entered, now or by the same key before."""

    entry: Entry
    currency: str
    is_repeated: bool = False
    events: Sequence[Event] = ()
    """To be told in the same transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What may be changed of an account without an entry; None = stays as it is."""

    overdraft: Decimal | None = None
    low: Decimal | None = None
    is_silent: bool = False
    """No threshold any more."""


async def entered(
    session: door.Session, kind: Kind, customer: int, amount: Decimal, *, key: str, by: str
) -> Done | Trouble:
    """Pays in, or puts right by, an amount."""
    account = (await credit.accounts(session, [customer])).get(customer)
    if account is None:
        return Trouble.NO_ACCOUNT
    if known := await credit.line(session, key):
        return _again(known, kind, account, amount)
    if account.balance + amount > money.MOST:
        return Trouble.TOO_MUCH
    if amount < 0 and not account.covers(-amount):
        return Trouble.TOO_LITTLE
    entry = account.enter(kind, amount, key=key, by=by)
    await credit.enter(session, {customer: account}, [entry])
    return Done(entry=entry, currency=account.currency, events=money.low([account]))


def _again(known: Entry, kind: Kind, account: Account, amount: Decimal) -> Done | Trouble:
    if (known.kind, known.customer_id, known.amount) != (kind, account.customer_id, amount):
        return Trouble.CONFLICT
    return Done(entry=known, currency=account.currency, is_repeated=True)


async def opened(session: door.Session, customer: int, currency: str | None, *, by: str) -> bool:
    """Opens an account for a customer who is there and has none; answers whether it did."""
    is_new = await credit.open_account(session, customer, currency)
    if is_new:
        await credit.note_change(session, customer, "created", by=by, detail={"currency": currency})
    return is_new


async def agreed(
    session: door.Session, customer: int, terms: Terms, *, by: str
) -> list[Event] | Trouble:
    """Changes how far an account may fall, and below what somebody is told."""
    account = (await credit.accounts(session, [customer])).get(customer)
    if account is None:
        return Trouble.NO_ACCOUNT
    if terms.overdraft is not None:
        account.overdraft = terms.overdraft
    if terms.low is not None or terms.is_silent:
        account.low_threshold = terms.low
    if not account.covers(money.NOTHING):
        return Trouble.TOO_LITTLE
    account.look()
    await credit.put_terms(session, account)
    low = account.low_threshold
    detail = {
        "overdraft": money.text(account.overdraft),
        "low_threshold": None if low is None else money.text(low),
    }
    await credit.note_change(session, customer, "changed", by=by, detail=detail)
    return money.low([account])


def shown(found: Shown) -> dict[str, Any]:
    """An account, as answers say it."""
    price, low = found.price, found.low_threshold
    return {
        "customer": found.customer_id,
        "balance": money.text(found.balance),
        "reserved": money.text(found.reserved),
        "residual": money.text(found.residual),
        "currency": found.currency,
        "overdraft": money.text(found.overdraft),
        "low_threshold": None if low is None else money.text(low),
        "low": found.is_low,
        "plan": found.plan,
        "bill_type": found.bill_type,
        "price": None if price is None else money.text(price),
    }


def told(done: Done) -> dict[str, Any]:
    """What was entered, and how the account stood after it."""
    entry = done.entry
    return {
        "customer": entry.customer_id,
        "amount": money.text(entry.amount),
        "balance": money.text(entry.balance_after),
        "reserved": money.text(entry.reserved_after),
        "residual": money.text(entry.balance_after - entry.reserved_after),
        "currency": done.currency,
    }
