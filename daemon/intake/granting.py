"""What was stored is granted, or has to be taken back: by the plan of whoever asks, and his credit.

This comes after everything that may take long or wait: his usage and his account are the rows that
all accepts of a customer want. What follows it waits for nobody. One after the other, so that
whoever isn't granted takes nothing from those who come after him.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from daemon.intake.ask import Ask
from daemon.mail import limits, money
from daemon.mail.event import Event
from daemon.mail.limits import Use, Used
from daemon.mail.money import Account, Bill, Entry, Paid, Standing
from daemon.mail.refusal import Code, Fault
from daemon.store import credit, door, plans
from daemon.store.accepting import Job


class Claim(NamedTuple):
    """A job that has begun, or grown by a frame."""

    job: UUID
    use: Use | None
    """As his plan counts it; None = it limits nothing."""
    bill: Bill | None
    """None = nobody pays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What came of claims."""

    faults: dict[UUID, Fault] = field(default_factory=dict)
    """Why some aren't granted."""
    paid: dict[UUID, Paid] = field(default_factory=dict)
    """What was set aside for those that somebody pays for."""
    low: Sequence[Event] = ()
    """What is to be told of accounts that have come below their thresholds."""


async def granted(session: door.Session, claims: Sequence[Claim]) -> Granted:
    """Counts claims against plans and sets aside what they cost, in their order."""
    uses = [claim.use for claim in claims if claim.use]
    wanted = [(use.customer, period) for use in uses for period in use.limits.periods]
    used = await plans.usage(session, wanted) if wanted else {}
    payers = {claim.bill.payer for claim in claims if claim.bill}
    accounts = await credit.accounts(session, payers) if payers else {}
    result, entries = _judged(claims, used, accounts)
    if used:
        await plans.use(session, used)
    await credit.enter(session, accounts, entries)
    return result


def _judged(
    claims: Sequence[Claim], used: Used, accounts: Mapping[int, Account]
) -> tuple[Granted, list[Entry]]:
    faults, paid = dict[UUID, Fault](), dict[UUID, Paid]()
    entries = list[Entry]()
    for job, use, bill in claims:
        fault = limits.refusal(use, used) if use else None
        if fault is None and bill is not None:
            lines, costs = money.pay(accounts, [bill])
            fault = next((_short(one) for one in costs.values() if not one.is_covered), None)
            entries += lines
            paid |= costs
        if fault is not None:
            faults[job] = fault
        elif use is not None:
            limits.count(use, used)
    return Granted(faults=faults, paid=paid, low=money.low(accounts.values())), entries


def use(ask: Ask, job: UUID, queued: int, *, asked: int, is_request: bool) -> Use | None:
    """A send, or a frame, as it counts; `asked`: how many recipients its job has been asked for.

    What isn't a request has been counted as one: a frame with its send, what was put off at once.
    """
    if not ask.customer.limits:
        return None
    return Use(
        job=job,
        customer=ask.customer.id,
        limits=ask.customer.limits,
        asked=asked,
        queued=queued,
        is_request=is_request,
    )


def bill(job: Job, price: Decimal | None, queued: int) -> Bill | None:
    """What is to be paid for a new job."""
    if price is None or not queued:
        return None
    was = Standing(0, 0, 0)
    return Bill(job=job.id, payer=job.customer_id, price=price, was=was, queued=queued)


def _short(paid: Paid) -> Fault:
    cost, left = money.text(paid.cost), money.text(paid.residual)
    return Fault(
        code=Code.CREDIT_INSUFFICIENT,
        message=f"costs {cost} {paid.currency}, and {left} is left",
    )
