"""A customer with a plan and with credit, and what is on record of it."""

from decimal import Decimal

import asyncpg

PRICE = "1.001005678"
"""Of an e-mail, in the worked example of the requirements."""


async def fund(
    bare: asyncpg.Connection,
    balance: str,
    *,
    customer: int = 1,
    price: str = PRICE,
    bill: str = "prepaid",
    overdraft: str = "0",
) -> None:
    """Gives a customer a plan with a price, and an account with so much paid in."""
    await bare.execute(
        "WITH plan AS (INSERT INTO rate_plan (customer_id, name, bill_type, price_per_email)"
        " VALUES ($1, 'plan', $2, $3) RETURNING id)"
        " UPDATE customer SET plan_id = (SELECT id FROM plan) WHERE id = $1",
        customer,
        bill,
        Decimal(price),
    )
    await bare.execute(
        "INSERT INTO credit_account (customer_id, balance, overdraft) VALUES ($1, $2, $3)",
        customer,
        Decimal(balance),
        Decimal(overdraft),
    )
    await topped_up(bare, customer, balance)


async def topped_up(bare: asyncpg.Connection, customer: int, amount: str) -> None:
    """Keeps the line of an amount that is paid in already."""
    await bare.execute(
        "INSERT INTO credit_ledger (customer_id, kind, units, unit_price, amount, balance_after,"
        " idempotency_key) VALUES ($1, 'topup', 0, 0, $2, $2, gen_random_uuid())",
        customer,
        Decimal(amount),
    )


async def account(bare: asyncpg.Connection, customer: int = 1) -> tuple[Decimal, Decimal]:
    """The balance of a customer, and what of it is set aside."""
    row = await bare.fetchrow(
        "SELECT balance, reserved FROM credit_account WHERE customer_id = $1", customer
    )
    return row["balance"], row["reserved"]


async def lines(bare: asyncpg.Connection, customer: int = 1) -> list[tuple[str, int, Decimal]]:
    """What was entered for jobs: kind, e-mails, amount."""
    rows = await bare.fetch(
        "SELECT kind, units, amount FROM credit_ledger"
        " WHERE customer_id = $1 AND job_id IS NOT NULL ORDER BY id",
        customer,
    )
    return [tuple(row) for row in rows]
