"""Who asks pays: sends and frames are set aside of credit, exactly, or refused without a trace."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from daemon.dialects import DIALECTS
from daemon.intake import carry
from daemon.intake.ask import Back
from daemon.intake.writers import Writers
from daemon.ledger.writer import Writer
from tests.integration import till
from tests.integration.intake.counter import (
    BOB,
    Counter,
    Document,
    Heard,
    close,
    command,
    extend,
    send,
)

FIVE = [f"p{number}@x.test" for number in range(5)]


@pytest.fixture
async def bare(counter: Counter, dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the counter's database."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


def _said(answer: Document) -> tuple[Any, ...]:
    return tuple(answer.get(name) for name in ("cost", "residual", "currency"))


def _codes(answer: Document) -> list[str]:
    return [error["code"] for error in answer["errors"]]


async def test_t037(counter: Counter, bare: asyncpg.Connection) -> None:
    """T037: five good contacts cost 5.00502839 and leave 50.75, in the answer and in the event."""
    await till.fund(bare, "55.75502839")
    answer = await counter.answer(send(*FIVE))
    assert _said(answer) == ("5.00502839", "50.75", "EUR")
    [accepted] = counter.heard.of("job.accepted")
    assert _said(accepted) == _said(answer)
    assert await till.account(bare) == (Decimal("55.75502839"), Decimal("5.00502839"))
    assert await till.lines(bare) == [("reserve", 5, Decimal("5.00502839"))]


async def test_t038(counter: Counter, bare: asyncpg.Connection) -> None:
    """T038: six contacts, two of them without address: four charged. Spelt three ways: one."""
    await till.fund(bare, "55.75502839")
    answer = await counter.answer(send(*FIVE[:3], None, None, "both@x.test"))
    assert (answer["counts"]["queued"], answer["counts"]["no_address"]) == (4, 2)
    assert answer["cost"] == "4.00402271"
    answer = await counter.answer(send("a@x.test", "a@X.test", "a@x.TEST"))
    assert (answer["counts"]["queued"], answer["cost"]) == (1, "1.00100568")


async def test_t039(counter: Counter, bare: asyncpg.Connection) -> None:
    """T039: nobody to write to, by phone only or by addresses that aren't: nothing is charged."""
    await till.fund(bare, "55.75502839")
    for addresses in ((None, None), ("nobody", "no one")):
        assert (await counter.answer(send(*addresses)))["counts"]["queued"] == 0
        refused = await counter.put(send(*addresses), back=Back(dialect=DIALECTS["smsby"]))
        assert refused.result == "refused"
    assert await till.account(bare) == (Decimal("55.75502839"), 0)
    assert await till.lines(bare) == []


async def test_t045(counter: Counter, bare: asyncpg.Connection) -> None:
    """T045: whom marketing may not reach isn't charged."""
    await till.fund(bare, "55.75502839")
    await counter.put(command("unsubscribe", address="gina@x.test"))
    answer = await counter.answer(send("gina@x.test", "john@x.test", purpose="marketing"))
    assert (answer["counts"]["suppressed"], answer["cost"]) == (1, "1.00100568")


async def test_only_what_is_queued_costs(counter: Counter, bare: asyncpg.Connection) -> None:
    """Who is dropped costs nothing; a job that reaches nobody isn't entered."""
    await till.fund(bare, "10", price="1")
    answer = await counter.answer(send("a@x.test", "a@x.test", "nobody", None))
    assert _said(answer)[:2] == ("1", "9")
    assert "cost" not in await counter.answer(send("nobody"))
    assert len(await till.lines(bare)) == 1


async def test_too_little_is_refused(counter: Counter, bare: asyncpg.Connection) -> None:
    """It says what it would cost and what is left; nothing is stored, and the key is free."""
    await till.fund(bare, "4.5", price="1")
    answer = await counter.answer(send(*FIVE, "nobody", request_id="r1"))
    assert answer["errors"] == [
        {"code": "credit.insufficient", "field": "", "message": "costs 5 EUR, and 4.5 is left"}
    ]
    [rejected] = counter.heard.of("request.rejected")
    assert rejected["errors"] == answer["errors"]
    tables = ("job", "message", "batch", "delivery", "dropped_recipient", "request_seen")
    for table in tables:
        assert await bare.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert await till.account(bare) == (Decimal("4.5"), 0)
    assert (await counter.put(send(*FIVE[:4], request_id="r1"))).result == "accepted"


async def test_each_of_a_group_as_if_alone(counter: Counter, bare: asyncpg.Connection) -> None:
    """Of a group in one transaction those are in that fit, and each is told what is left."""
    await till.fund(bare, "7", price="1")
    sizes = (3, 5, 0, 4, 1)
    documents = [send(*(FIVE[:size] or [None]), request_id=f"r{size}") for size in sizes]
    verdicts = await carry.group(counter.means, [counter.read(one) for one in documents])
    assert [verdict.result for verdict in verdicts] == [
        "accepted", "refused", "accepted", "accepted", "refused",
    ]  # fmt: skip
    assert [told.get("residual") for told in counter.heard.of("job.accepted")] == ["4", None, "0"]
    assert await bare.fetchval("SELECT count(*) FROM delivery") == 7
    assert await till.account(bare) == (7, 7)


@pytest.mark.parametrize("bill", ["none", "external"])
async def test_who_is_not_charged(counter: Counter, bare: asyncpg.Connection, bill: str) -> None:
    """A plan without billing, or one that is billed elsewhere, takes no credit."""
    await till.fund(bare, "0", bill=bill)
    answer = await counter.answer(send(*FIVE))
    assert _said(answer) == (None, None, None)
    assert await till.lines(bare) == []


async def test_without_an_account_nobody_is_charged(
    counter: Counter, bare: asyncpg.Connection
) -> None:
    """A price alone takes nothing, and somebody else's account is no account."""
    await till.fund(bare, "0")
    await bare.execute(
        "UPDATE customer SET plan_id = (SELECT id FROM rate_plan) WHERE id = $1", BOB
    )
    answer = await counter.answer(send(*FIVE), customer=BOB)
    assert answer["ok"]
    assert "cost" not in answer


async def test_a_price_holds_for_a_job(counter: Counter, bare: asyncpg.Connection) -> None:
    """What a plan says later is for later jobs: a frame costs what its job began with."""
    await till.fund(bare, "100", price="1")
    await counter.put(send("a@x.test", request_id="j", open=True))
    await bare.execute("UPDATE rate_plan SET price_per_email = 7")
    assert _said(await counter.answer(extend("j", 1, "b@x.test")))[:2] == ("1", "98")
    assert _said(await counter.answer(send("c@x.test")))[:2] == ("7", "91")


async def test_a_dry_run_says_the_price(counter: Counter, bare: asyncpg.Connection) -> None:
    """It costs what it would, is refused as it would be, and nothing is set aside."""
    await till.fund(bare, "3", price="1")
    answer = await counter.answer(send(*FIVE[:2], dry_run=True))
    assert _said(answer) == ("2", "1", "EUR")
    refused = await counter.answer(send(*FIVE, dry_run=True))
    assert _codes(refused) == ["credit.insufficient"]
    assert await till.account(bare) == (3, 0)
    assert await till.lines(bare) == []


async def test_frames_are_paid_one_by_one(counter: Counter, bare: asyncpg.Connection) -> None:
    """Each frame is set aside by itself; together they cost what the job costs, exactly."""
    await till.fund(bare, "55.75502839")
    await counter.put(send(FIVE[0], request_id="j", open=True))
    answers = [
        await counter.answer(extend("j", number, address))
        for number, address in enumerate(FIVE[1:], start=1)
    ]
    assert sum(Decimal(answer["cost"]) for answer in answers) == Decimal("4.00402271")
    assert answers[-1]["residual"] == "50.75"
    assert (await counter.answer(close("j", 4)))["ok"]
    assert await till.account(bare) == (Decimal("55.75502839"), Decimal("5.00502839"))


async def test_a_frame_that_is_refused_is_not_in(
    counter: Counter, bare: asyncpg.Connection
) -> None:
    """Nothing of it stays but the job, and the same frame may come again once there is more."""
    await till.fund(bare, "2", price="1")
    await counter.put(send("a@x.test", request_id="j", open=True))
    frame = extend("j", 1, *FIVE, "nobody")
    assert _codes(await counter.answer(frame)) == ["credit.insufficient"]
    assert await counter.sql("SELECT frames, queued, invalid, parts FROM job") == [(0, 1, 0, 1)]
    assert await bare.fetchval("SELECT count(*) FROM delivery") == 1
    assert await bare.fetchval("SELECT count(*) FROM dropped_recipient") == 0
    assert await till.account(bare) == (2, 1)
    await bare.execute("UPDATE credit_account SET balance = balance + 4")
    assert _said(await counter.answer(frame))[:2] == ("5", "0")
    assert (await counter.put(frame)).result == "repeated"
    assert await till.account(bare) == (6, 6)


async def test_however_many_race(counter: Counter, bare: asyncpg.Connection, terms: Any) -> None:
    """Of thirty at once, by six writers, exactly those are in that the floor allows."""
    await till.fund(bare, "20", price="1", overdraft="1")
    store = counter.means.store
    heard = Heard()
    writers = [Writer(store, heard, instance=uuid.uuid4(), kind="accept") for _ in range(6)]
    means = carry.Means(
        store=store,
        writers=Writers(writers),
        replays=counter.means.replays,
        terms=terms,
        chance=counter.means.chance,
    )
    racing = Counter(means=means, heard=heard)
    async with asyncio.TaskGroup() as group:
        racers = [
            group.create_task(racing.put(send(*FIVE[:2], request_id=f"r{number}")))
            for number in range(30)
        ]
    results = [racer.result().result for racer in racers]
    assert (results.count("accepted"), results.count("refused")) == (10, 20)
    assert await till.account(bare) == (20, 20)
    left = {told["residual"] for told in heard.of("job.accepted")}
    assert left == {str(number) for number in range(0, 20, 2)}


async def test_a_cancel_says_what_it_gives_back(counter: Counter, bare: asyncpg.Connection) -> None:
    """T096: the refund is in the answer and the event, and again in every later answer."""
    await till.fund(bare, "55.75502839")
    job = (await counter.answer(send(*FIVE)))["job"]
    first = await counter.answer(command("cancel", job=job))
    assert (first["canceled"], first["refund"]) == (5, "5.00502839")
    [told] = counter.heard.of("job.canceled")
    assert told["refund"] == "5.00502839"
    [completed] = counter.heard.of("job.completed")
    assert completed["cost"] == "0"
    assert await counter.answer(command("cancel", job=job)) == first | {"unchanged": True}
