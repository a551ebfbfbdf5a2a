"""Accounts by request: who sees which, who pays in for whom, once for a key."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from daemon.config.sections import Intake
from daemon.directory.principals import Principals
from daemon.intake.asker import Asker
from daemon.mail.request.commands import Principal
from tests.integration import till
from tests.integration.intake.counter import ANN, BOB, KEY, Counter, Document, command, send

ABOVE, STRANGER = 10, 11


@pytest.fixture
async def bare(counter: Counter, dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Ann hangs under somebody, and has credit; Bob has none."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("INSERT INTO customer (id, name) VALUES (10, 'above'), (11, 'no one')")
    await connection.execute("UPDATE customer SET parent_id = 10 WHERE id = 1")
    await till.fund(connection, "10", price="1")
    yield connection
    await connection.close()


def topup(amount: str = "5", key: str = "k", **more: Any) -> Document:
    """Pays in for Ann."""
    return command("credit.topup", request_id=key, amount=amount, customer=ANN, **more)


def _fault(answer: Document) -> tuple[str, str]:
    (error,) = answer["errors"]
    return error["code"], error["field"]


@pytest.mark.usefixtures("bare")
async def test_how_an_account_stands(counter: Counter) -> None:
    """What was paid in, what is set aside, what is left, and what an e-mail costs."""
    await counter.put(send("a@x.test", "b@x.test"))
    answer = await counter.answer(command("credit.get"))
    expected = {
        "customer": ANN, "balance": "10", "reserved": "2", "residual": "8", "currency": "EUR",
        "overdraft": "0", "low_threshold": None, "low": False, "plan": "plan",
        "bill_type": "prepaid", "price": "1",
    }  # fmt: skip
    assert {name: answer[name] for name in expected} == expected
    above = await counter.answer(command("credit.get", customer=ANN), customer=ABOVE)
    assert above["residual"] == "8"


@pytest.mark.usefixtures("bare")
async def test_others_accounts_are_not_there(counter: Counter) -> None:
    """Of somebody beside or above oneself the answer is that of a number that nobody has."""
    for asked in (command("credit.get"), topup()):
        said = [
            await counter.answer(asked | {"customer": number}, customer=ANN, is_trusted=True)
            for number in (BOB, ABOVE, 0x7FFF, STRANGER)
        ]
        assert {_fault(answer) for answer in said} == {("not_found", "customer")}
        assert len({answer["errors"][0]["message"] for answer in said}) == 1


@pytest.mark.usefixtures("bare")
async def test_who_has_no_account(counter: Counter) -> None:
    """It says so, of one's own and of those below."""
    answer = await counter.answer(command("credit.get"), customer=ABOVE)
    assert answer["errors"][0]["message"] == "has no account of credit"
    own = topup() | {"customer": ABOVE}
    assert _fault(await counter.answer(own, customer=ABOVE, is_trusted=True)) == (
        "not_found", "customer",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("customer", "is_trusted", "may"),
    [(ABOVE, False, True), (ANN, True, True), (ANN, False, False)],
)
async def test_who_may_pay_in(
    counter: Counter, bare: asyncpg.Connection, customer: int, *, is_trusted: bool, may: bool
) -> None:
    """An ancestor, or whom the configuration trusts; nobody for himself."""
    answer = await counter.answer(topup(), customer=customer, is_trusted=is_trusted)
    assert answer["ok"] is may
    assert may or _fault(answer) == ("forbidden.role", "")
    assert await till.account(bare) == (15 if may else 10, 0)


async def test_once_for_a_key(counter: Counter, bare: asyncpg.Connection) -> None:
    """The same again is answered as the first time, whatever was since; by whom is kept."""
    await _person(bare, system=1, act_for_subcustomers=1)
    who = {"customer": ABOVE, "user": "till", "person_id": 4}
    first = await counter.answer(topup("2.50"), **who)
    assert (first["amount"], first["balance"], first["residual"]) == ("2.5", "12.5", "12.5")
    await counter.put(send("a@x.test"))
    again = await counter.put(topup("2.50"), **who)
    assert again.result == "repeated"
    assert await counter.answer(topup("2.50"), **who) == first
    for other in (topup("3"), topup("2.50") | {"customer": ABOVE}):
        assert not (await counter.answer(other, **who))["ok"]
    assert await till.account(bare) == (Decimal("12.5"), 1)
    rows = await bare.fetch("SELECT by FROM credit_ledger WHERE amount = 2.5")
    assert [row["by"] for row in rows] == ["till for customer 10, person 4"]


@pytest.mark.parametrize(
    ("role", "looks", "pays"),
    [
        ({}, False, False),
        ({"view_reports": 2}, False, False),
        ({"view_reports": 2, "act_for_subcustomers": 1}, True, False),
        ({"system": 2, "act_for_subcustomers": 1}, False, False),
        ({"system": 1, "act_for_subcustomers": 1}, False, True),
        ({"system": 1}, False, False),
    ],
)
async def test_what_a_person_may(
    counter: Counter, bare: asyncpg.Connection, role: dict[str, int], *, looks: bool, pays: bool
) -> None:
    """His role lets him look, or pay in, or neither."""
    await _person(bare, **role)
    who = {"customer": ABOVE, "person_id": 4}
    assert (await counter.answer(command("credit.get", customer=ANN), **who))["ok"] is looks
    assert (await counter.answer(topup(), **who))["ok"] is pays


async def _person(bare: asyncpg.Connection, **privileges: int) -> None:
    """Number 4, of the customer above, with a role."""
    role = await bare.fetchval("INSERT INTO role (name) VALUES ('r') RETURNING id")
    await bare.execute("INSERT INTO person (id, customer_id, role_id) VALUES (4, 10, $1)", role)
    for name, access in privileges.items():
        await bare.execute("INSERT INTO role_privilege VALUES ($1, $2, $3)", role, name, access)


async def test_without_a_key_nothing_is_paid_in(counter: Counter, bare: asyncpg.Connection) -> None:
    """Nobody could tell a repeat from a second payment."""
    keyless = command("credit.topup", amount="5", customer=ANN)
    assert _fault(await counter.answer(keyless, customer=ABOVE)) == ("param.missing", "request_id")
    assert await till.account(bare) == (10, 0)


async def test_more_than_an_account_holds(counter: Counter, bare: asyncpg.Connection) -> None:
    """It is refused as a fault of the amount."""
    answer = await counter.answer(topup("9999999999.99999999"), customer=ABOVE)
    assert _fault(answer) == ("param.invalid", "amount")
    assert await till.account(bare) == (10, 0)


async def test_low_is_told_once_per_crossing(counter: Counter, bare: asyncpg.Connection) -> None:
    """By the send that crosses the threshold, not by the next; again after it was paid in."""
    await bare.execute("UPDATE credit_account SET low_threshold = 8")

    async def lows() -> int:
        return len(counter.heard.of("credit.low"))

    await counter.put(send("a@x.test", "b@x.test"))
    assert await lows() == 0
    await counter.put(send("a@x.test"))
    await counter.put(send("a@x.test"))
    assert await lows() == 1
    await counter.put(topup("4"), customer=ABOVE)
    await counter.put(send("a@x.test", "b@x.test", dry_run=True))
    await counter.put(send("a@x.test", "b@x.test"))
    assert await lows() == 1
    await counter.put(send("a@x.test", request_id="j", open=True))
    assert [told["residual"] for told in counter.heard.of("credit.low")] == ["7", "7"]
    [event, _] = [told.event for told in counter.heard.told if told.event.type == "credit.low"]
    assert (event.customer_id, event.job_id) == (ANN, None)
    assert event.data == {
        "amount": "1", "balance": "10", "reserved": "3", "residual": "7", "threshold": "8",
        "currency": "EUR",
    }  # fmt: skip


async def test_a_refused_send_does_not_tell(counter: Counter, bare: asyncpg.Connection) -> None:
    """What isn't covered takes nothing, so nothing falls."""
    await bare.execute("UPDATE credit_account SET low_threshold = 8")
    await counter.put(send(*(f"p{place}@x.test" for place in range(11))))
    assert counter.heard.of("credit.low") == []


@pytest.mark.parametrize("named", [None, Principal(customer_id=ANN)])
async def test_who_is_trusted(counter: Counter, named: Principal | None) -> None:
    """Whom `intake.trusted` names, for himself and for whom he speaks; nobody else."""
    for trusted in ((), ("till",)):
        settings = Intake(users={"till": ANN}, trusted=trusted)
        asker = Asker(principals=Principals(counter.means.store, key=KEY), settings=settings)
        found = await asker.native("till", named=named)
        expected = bool(trusted) if named is None or trusted else None
        assert getattr(found, "is_trusted", None) is expected
