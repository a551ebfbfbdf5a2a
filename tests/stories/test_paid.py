"""Mail that is paid for."""

from decimal import Decimal

import pytest

from tests.stories import asks
from tests.stories.house import House
from tests.waiting import until

_ACCOUNT = "SELECT balance, reserved FROM credit_account WHERE customer_id = 1"
SENT, BOUNCED = 400, 20


async def _stands_at(house: House, balance: Decimal) -> bool:
    (account,) = await house.rows(_ACCOUNT)
    return (account["balance"], account["reserved"]) == (balance, 0)


@pytest.mark.timeout(120)
async def test_killed_in_the_middle(house: House) -> None:
    """Kill -9 in mid-campaign: what went out is charged once, what bounced is released, exactly."""
    daemon = await house.start()
    await house.pays()
    await house.sink.do("slow", ms=5)
    people = asks.people(SENT) + asks.people(BOUNCED, words="rcpt-550-5.1.1+")
    asked = await house.producer.ask(asks.send(people))
    assert asked.done["cost"] == "420.42238476"
    assert asked.done["residual"] == "579.57761524"
    await house.sink.stored(100)
    daemon.kill()
    await daemon.ended()
    await house.start()
    completed = await house.events.completed(asked.job, seconds=60)
    assert completed.data["counts"]["sent"] == SENT
    assert completed.data["cost"] == "400.4022712"
    await until(lambda: _stands_at(house, Decimal(1000) - Decimal("400.4022712")))
    charged = await house.rows(
        "SELECT sum(units) AS units, sum(amount) AS amount FROM credit_ledger WHERE kind = 'charge'"
    )
    assert tuple(charged[0]) == (SENT, Decimal("400.4022712"))
    await house.judge()


async def test_what_an_operator_enters(house: House) -> None:
    """Typed or asked for, it is entered once; what falls low is told though no daemon did it."""
    await house.start()
    await house.pays()
    topup = asks.command("credit.topup", request_id="p1", amount="1")
    asked = await house.producer.ask(topup)
    assert asked.said["errors"][0]["code"] == "forbidden.role"
    code, entered = await house.typed("credit", "topup", "1", "5", "--key", "p1")
    assert (code, entered["balance"]) == (0, "1005")
    await house.typed("credit", "adjust", "1", "--low", "1000")
    code, entered = await house.typed("credit", "adjust", "1", "-6.5")
    assert (code, entered["residual"]) == (0, "998.5")
    await house.events.until(lambda: house.events.number("credit.low") == 1, "it is told")
    asked = await house.producer.ask(asks.command("credit.get"))
    assert (asked.done["residual"], asked.done["low"]) == ("998.5", True)
    await house.judge()


async def test_taken_back_on_the_way(house: House) -> None:
    """T096: canceled in the middle, what went out is charged and the rest released, exactly."""
    await house.start()
    await house.pays()
    await house.sink.do("slow", ms=20)
    asked = await house.producer.ask(asks.send(asks.people(900)))
    await house.sink.more(50)
    canceled = await house.producer.ask(asks.command("cancel", job=asked.job))
    completed = await house.events.completed(asked.job)
    await house.sink.do("slow", ms=0)
    sent = completed.data["counts"]["sent"]
    cost = (sent * Decimal("1.001005678")).quantize(Decimal("0.00000001"))
    assert 50 <= sent < 900
    assert Decimal(completed.data["cost"]) == cost
    assert Decimal(canceled.done["refund"]) > 0
    await until(lambda: _stands_at(house, Decimal(1000) - cost))
    stands = await house.producer.ask(asks.command("status", job=asked.job))
    assert Decimal(stands.done["charged"]) == cost
    assert Decimal(stands.done["cost"]) == cost + Decimal(stands.done["released"])
    await house.judge()


async def test_unsubscribed_in_time(house: House) -> None:
    """T072: who unsubscribes before the due time gets nothing, and his credit comes back."""
    await house.start()
    await house.pays()
    later = {"not_before": asks.later(4)}
    asked = await house.producer.ask(asks.send(asks.people(2), delivery=later, purpose="marketing"))
    counts = asked.done["counts"]
    assert asked.done["residual"] == "997.99798864"
    out = asks.command("unsubscribe", address="p0@there.test")
    assert (await house.producer.ask(out)).request.is_positive
    completed = await house.events.completed(asked.job, seconds=30)
    assert completed.data["counts"]["suppressed_late"] == 1
    assert (counts["queued"], counts["suppressed"]) == (2, 0)
    await until(lambda: _stands_at(house, Decimal("998.99899432")))
    await house.judge()
