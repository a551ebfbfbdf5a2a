"""Who asks pays: what was accepted is set aside of his credit, or refused.

This comes after everything that may take long or wait: the account is the row that all accepts of
a customer want. What follows it waits for nobody.
"""

from collections.abc import Sequence
from uuid import UUID

from daemon.mail import money
from daemon.mail.event import Event
from daemon.mail.money import Bill, Paid
from daemon.mail.refusal import Code, Fault
from daemon.store import credit, door


async def reserved(
    session: door.Session, bills: Sequence[Bill]
) -> tuple[dict[UUID, Paid], list[Event]]:
    """Sets aside what jobs cost, in their order; what isn't covered has to be taken back.

    Answers besides what is to be told of accounts that have come below their thresholds.
    """
    if not bills:
        return {}, []
    accounts = await credit.accounts(session, [bill.payer for bill in bills])
    entries, paid = money.pay(accounts, bills)
    await credit.enter(session, accounts, entries)
    return paid, money.low(accounts.values())


def fault(paid: Paid) -> Fault:
    """Why it was refused."""
    cost, left = money.text(paid.cost), money.text(paid.residual)
    return Fault(
        code=Code.CREDIT_INSUFFICIENT,
        message=f"costs {cost} {paid.currency}, and {left} is left",
    )
