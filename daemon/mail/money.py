"""Money: exact decimals, what e-mails cost, and an account while something is entered in it. Pure.

A price has up to ten decimals, an amount eight. The law of rounding: the first n e-mails of a job
cost n × price together, rounded once, half a unit of the last place upwards. Whatever is entered
for some of them is the difference of two such sums, so that the parts of a job add up to the whole
however many there are:

>>> price = Decimal("1.001005678")
>>> cost(5, price)
Decimal('5.00502839')
>>> [cost(n + 1, price) - cost(n, price) for n in range(5)].count(Decimal("1.00100568"))
4
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from daemon.mail.event import Event, Type

PLACES = Decimal("0.00000001")
"""The smallest amount."""
NOTHING = Decimal(0)
MOST = Decimal("9999999999.99999999")
"""The largest balance that an account holds."""
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
"""More digits than any amount has: only `quantize` rounds."""


class Kind(StrEnum):
    """What an entry does to an account."""

    RESERVE = "reserve"
    """Set aside for deliveries that were accepted."""
    CHARGE = "charge"
    """Taken, of what was set aside, for what the next hop has accepted."""
    RELEASE = "release"
    """Given back, of what was set aside, for what ended without that."""
    TOPUP = "topup"
    """Paid in."""
    ADJUST = "adjust"
    """Put right by a person, up or down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the ledger of credit: what was entered, and how the account stood after it."""

    customer_id: int
    job_id: UUID | None
    kind: Kind
    units: int
    """E-mails that it is for."""
    price: Decimal
    amount: Decimal
    """Never negative, but for an adjustment."""
    balance_after: Decimal
    reserved_after: Decimal
    key: str
    """The same twice is refused by the database."""
    by: str = ""
    """Who did it; empty = the daemon, for a job."""


@dataclass(slots=True, kw_only=True)
class Account:
    """A locked account. It changes while something is entered in it."""

    customer_id: int
    balance: Decimal
    reserved: Decimal
    overdraft: Decimal
    currency: str
    low_threshold: Decimal | None = None
    """Below it, whoever is bound to `credit.low` is told; None = nobody is."""
    is_low: bool = False
    """Whether that was told, and it hasn't been above since."""
    fallen_by: Decimal | None = None
    """The amount by which it has just come below; None = it hasn't."""

    @property
    def residual(self) -> Decimal:
        """What is left: the balance without what is set aside."""
        return self.balance - self.reserved

    def covers(self, amount: Decimal) -> bool:
        """Whether so much less would still be above the floor."""
        return self.residual - amount >= -self.overdraft

    def enter(  # noqa: PLR0913 - the columns of a line
        self,
        kind: Kind,
        amount: Decimal,
        *,
        key: str,
        job: UUID | None = None,
        units: int = 0,
        price: Decimal = NOTHING,
        by: str = "",
    ) -> Entry:
        """Enters an amount; the line to be kept of it."""
        match kind:
            case Kind.RESERVE:
                self.reserved += amount
            case Kind.RELEASE:
                self.reserved -= amount
            case Kind.CHARGE:
                self.reserved -= amount
                self.balance -= amount
            case Kind.TOPUP | Kind.ADJUST:
                self.balance += amount
        self.look(amount)
        return Entry(
            customer_id=self.customer_id,
            job_id=job,
            kind=kind,
            units=units,
            price=price,
            amount=amount,
            balance_after=self.balance,
            reserved_after=self.reserved,
            key=key,
            by=by,
        )

    def look(self, amount: Decimal = NOTHING) -> None:
        """Sees whether it is below its threshold, and whether it has come there just now."""
        is_low = self.low_threshold is not None and self.residual < self.low_threshold
        if is_low and not self.is_low:
            self.fallen_by = amount
        self.is_low = is_low


def low(accounts: Iterable[Account]) -> list[Event]:
    """What is told of accounts that have just come below their thresholds."""
    return [
        Event(
            type=Type.CREDIT_LOW,
            customer_id=account.customer_id,
            data={
                "amount": text(account.fallen_by),
                "balance": text(account.balance),
                "reserved": text(account.reserved),
                "residual": text(account.residual),
                "threshold": text(account.low_threshold or NOTHING),
                "currency": account.currency,
            },
        )
        for account in accounts
        if account.fallen_by is not None
    ]


class Standing(NamedTuple):
    """How many e-mails of a job were stored, and what has become of them; none ever falls."""

    queued: int
    handed: int
    """Accepted by the next hop."""
    released: int
    """Final without that."""

    def held(self, price: Decimal) -> Decimal:
        """What is set aside for it once this is booked; nothing when all have ended."""
        return cost(self.queued - self.released, price) - cost(self.handed, price)


def cost(number: int, price: Decimal) -> Decimal:
    """What the first so many e-mails of a job cost together."""
    return _EXACT.multiply(number, price).quantize(PLACES, context=_EXACT)


def book(account: Account, job: UUID, price: Decimal, was: Standing, now: Standing) -> list[Entry]:
    """Releases and charges what a job has grown by since it was last booked.

    The key names how far it is booked now: the same growth can't be entered again.
    """
    released = was.held(price) - was._replace(released=now.released).held(price)
    charged = cost(now.handed, price) - cost(was.handed, price)
    growth = (
        (Kind.RELEASE, now.released - was.released, released),
        (Kind.CHARGE, now.handed - was.handed, charged),
    )
    return [
        account.enter(
            kind,
            amount,
            job=job,
            units=units,
            price=price,
            key=f"{kind}:{job}:{now.handed}:{now.released}",
        )
        for kind, units, amount in growth
        if units
    ]


class Bill(NamedTuple):
    """A job that has grown, or begun, and who pays for it."""

    job: UUID
    payer: int
    price: Decimal
    was: Standing
    """As it is booked."""
    queued: int
    """E-mails in it now."""


class Paid(NamedTuple):
    """What was set aside for a job, or isn't, since there is too little."""

    is_covered: bool
    cost: Decimal
    residual: Decimal
    """What is left, once it is set aside."""
    currency: str


def pay(
    accounts: Mapping[int, Account], bills: Iterable[Bill]
) -> tuple[list[Entry], dict[UUID, Paid]]:
    """Sets aside what jobs cost, one after the other; what doesn't fit is left out.

    Whoever has no account pays nothing.
    """
    entries: list[Entry] = []
    paid: dict[UUID, Paid] = {}
    for bill in bills:
        account = accounts.get(bill.payer)
        if account is None:
            continue
        amount = bill.was._replace(queued=bill.queued).held(bill.price) - bill.was.held(bill.price)
        is_covered = account.covers(amount)
        if is_covered and bill.queued > bill.was.queued:
            entries.append(_reserve(account, bill, amount))
        paid[bill.job] = Paid(is_covered, amount, account.residual, account.currency)
    return entries, paid


def told(paid: Paid | None) -> dict[str, str]:
    """What was set aside, in answers and events; nothing where nobody pays."""
    if paid is None:
        return {}
    return {
        "cost": text(paid.cost),
        "residual": text(paid.residual),
        "currency": paid.currency,
    }


def charged(handed: int, price: Decimal | None) -> dict[str, str]:
    """What a job costs in the end, in its last event; nothing where nobody pays."""
    return {} if price is None else {"cost": text(cost(handed, price))}


def standing(now: Standing, price: Decimal | None) -> dict[str, str]:
    """What a job has cost so far, for whoever asks; nothing where nobody pays.

    What is neither charged nor released of its `cost` is set aside. Booking is seconds behind.
    """
    if price is None:
        return {}
    whole = cost(now.queued, price)
    return {
        "price": text(price),
        "cost": text(whole),
        "charged": text(cost(now.handed, price)),
        "released": text(whole - cost(now.queued - now.released, price)),
    }


def refund(left: int, number: int, price: Decimal | None) -> str | None:
    """What releasing so many of those gives back that are left; None where nobody pays."""
    return None if price is None else text(cost(left, price) - cost(left - number, price))


def _reserve(account: Account, bill: Bill, amount: Decimal) -> Entry:
    return account.enter(
        Kind.RESERVE,
        amount,
        job=bill.job,
        units=bill.queued - bill.was.queued,
        price=bill.price,
        key=f"{Kind.RESERVE}:{bill.job}:{bill.queued}",
    )


def text(amount: Decimal) -> str:
    """An amount as it is written, without zeros at its end.

    >>> text(Decimal("50.75000000")), text(Decimal("5.00502839")), text(Decimal("100"))
    ('50.75', '5.00502839', '100')
    """
    written = f"{amount:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written
