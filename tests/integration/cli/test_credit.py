"""`deliveryd credit`: an account is opened, paid into, put right and accounted for."""

import pytest

from tests.integration.cli.conftest import Typed
from tests.integration.dispatch.conftest import Ground


async def test_an_account_from_the_first_amount_on(ground: Ground, typed: Typed) -> None:
    """The first amount opens the account; a key that was used enters nothing."""
    ended = await typed("credit", "show", "1")
    assert (ended.code, ended.err) == (1, "deliveryd: customer 1 has no account of credit\n")
    ended = await typed("credit", "topup", "1", "12.50", "--key", "a", "--json")
    assert (ended.code, ended.document["balance"]) == (0, "12.5")
    ended = await typed("credit", "topup", "1", "12.50", "--key", "a", "--json")
    assert (ended.code, ended.document["repeated"]) == (0, True)
    assert (await typed("credit", "topup", "1", "13", "--key", "a")).code == 1
    shown = (await typed("credit", "show", "1", "--json")).document
    assert (shown["residual"], shown["currency"], shown["low"]) == ("12.5", "EUR", False)
    assert await ground.bare.fetchval("SELECT count(*) FROM change WHERE deed = 'created'") == 1


async def test_put_right(ground: Ground, typed: Typed) -> None:
    """Up and down, but not below the floor; what falls below the threshold is told."""
    await typed("credit", "topup", "1", "10")
    assert (await typed("credit", "adjust", "1", "-2.50", "--json")).document["balance"] == "7.5"
    ended = await typed("credit", "adjust", "1", "-8")
    assert (ended.code, ended.err) == (
        1,
        "deliveryd: that would be below the floor of the account\n",
    )
    shown = (
        await typed("credit", "adjust", "1", "--overdraft", "1", "--low", "5", "--json")
    ).document
    assert (shown["overdraft"], shown["low_threshold"]) == ("1", "5")
    assert (await typed("credit", "adjust", "1", "-8")).code == 0
    assert (await typed("credit", "adjust", "1", "--overdraft", "0")).code == 1
    rows = await ground.bare.fetch("SELECT customer_id, data FROM ledger WHERE type = 'credit.low'")
    assert [row["customer_id"] for row in rows] == [1]
    assert (await typed("credit", "adjust", "1", "--low", "never", "--json")).document[
        "low"
    ] is False
    assert await ground.bare.fetchval("SELECT count(*) FROM change WHERE deed = 'changed'") == 2


async def test_the_statement(ground: Ground, typed: Typed) -> None:
    """Every line by whom, when, and how the account stood after it; page by page."""
    await typed("credit", "topup", "1", "10")
    await typed("credit", "adjust", "1", "-3")
    first = (await typed("credit", "statement", "1", "--limit", "1", "--json")).document
    assert [line["amount"] for line in first["lines"]] == ["10"]
    rest = (
        await typed("credit", "statement", "1", "--page", str(first["page"]), "--json")
    ).document
    (line,) = rest["lines"]
    assert (line["kind"], line["amount"], line["balance"]) == ("adjust", "-3", "7")
    assert line["by"].startswith("cli")
    assert "ADJUST" not in (await typed("credit", "statement", "1")).out
    assert (await typed("credit", "statement", "2")).code == 1
    ended = await typed("audit")
    assert (ended.code, "balance" in ended.out) == (0, True)


@pytest.mark.usefixtures("ground")
@pytest.mark.parametrize(
    "words",
    ["topup 1 0", "topup 1 -5", "topup 1 1,5", "adjust 1", "adjust 1 --low -1", "topup 1 1e3"],
)
async def test_what_is_no_amount(typed: Typed, words: str) -> None:
    """It is a matter of usage."""
    assert (await typed("credit", *words.split())).code == 2


@pytest.mark.usefixtures("ground")
async def test_for_nobody(typed: Typed) -> None:
    """A customer who isn't there gets no account."""
    ended = await typed("credit", "topup", "99", "5")
    assert (ended.code, ended.err) == (1, "deliveryd: customer 99 has no account of credit\n")


async def test_the_currency_of_the_plan(ground: Ground, typed: Typed) -> None:
    """A new account has it, unless another one is said."""
    await ground.bare.execute(
        "WITH plan AS (INSERT INTO rate_plan (customer_id, name, currency) VALUES (1, 'p', 'BYN')"
        " RETURNING id) UPDATE customer SET plan_id = (SELECT id FROM plan)"
    )
    ended = await typed("credit", "topup", "1", "5", "--json")
    assert ended.document["currency"] == "BYN"
    ended = await typed("credit", "topup", "2", "5", "--currency", "USD", "--json")
    assert ended.document["currency"] == "USD"
