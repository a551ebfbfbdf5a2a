"""Dead letters: what makes them, and the way back."""

import asyncio
import json

import aio_pika
import pytest

from daemon.broker import topology
from daemon.broker.topology import DELIVERY_LIMIT
from daemon.intake.groups import SUSPECT
from tests.stories import asks, broker_troubles
from tests.stories.house import House
from tests.stories.servers import Pair

POISON = (
    """
    CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.name = 'poison' THEN
            RAISE EXCEPTION 'poison' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER poison BEFORE INSERT ON job FOR EACH ROW EXECUTE FUNCTION poison()",
)
GOOD = 200
BESIDE = 9


async def test_poison_is_put_away_and_put_back(house: House) -> None:
    """A4, A21: what fails every time is put away, and holds up nobody; mended, it goes back once.

    A replay that is killed in between is done again, and every job is there once.
    """
    for statement in POISON:
        await house.rows(statement)
    daemon = await house.start()
    daemon.may_fail = True
    for number in range(GOOD):
        body = asks.send(asks.people(1), name="poison" if number % 50 == 7 else "good")
        await house.producer.tell(body, message_id=body["request_id"])
    dead = await house.events.buried(4)
    assert {letter.reason for letter in dead} == {"internal"}
    await house.events.count("job.completed", GOOD - 4)
    await house.rows("DROP TRIGGER poison ON job")
    _, listed = await house.typed("dead", "list", "--reason", "internal", "--customer", "1")
    assert len(listed["dead"]) == 4
    status = await house.killed("dead", "replay", "--all", at="dead.published:1")
    assert status < 0
    # at least one of them has reached the broker by then
    await house.events.count("job.completed", GOOD - 3)
    code, replayed = await house.typed("dead", "replay", "--all")
    assert (code, replayed) == (0, {"replayed": 4, "left": []})
    await house.events.count("job.completed", GOOD)
    house.revived += [letter.message_id for letter in dead]
    assert (await house.typed("dead", "list"))[1]["total"] == 0
    assert len(await house.rows("SELECT FROM job")) == GOOD
    await house.judge()


@pytest.mark.timeout(180)
async def test_poison_that_kills(house: House) -> None:
    """A5: a parcel that kills whoever reads it ends at the delivery limit; its neighbours don't."""
    body = asks.send(asks.people(1))
    del body["request_id"]
    for name in ("killer", *(f"good-{number}" for number in range(BESIDE))):
        await house.producer.tell(body, message_id=name)
    for _ in range(SUSPECT):
        await _died_with(house)
    lives = 0
    while len(await house.rows("SELECT FROM job")) < BESIDE:
        assert not house.events.dead, "the neighbours died with it"
        doomed = await house.start(is_ready=False, only="intake", crash="read@killer:1")
        doomed.is_doomed = True
        await doomed.ended()
        lives += 1
    for _ in range(DELIVERY_LIMIT + 1 - SUSPECT - lives):
        await _died_with(house)
    assert [letter.message_id for letter in await house.events.buried(1)] == ["killer"]
    await house.start()
    await house.events.count("job.completed", BESIDE)
    await house.judge()


@pytest.mark.timeout(120)
async def test_nowhere_to_put_it(breakable: House, pair: Pair) -> None:
    """A20: what the broker can put nowhere stays in its queue, and is put away when it can be."""
    house, names = breakable, topology.names(breakable.prefix)
    again = broker_troubles.without(names.normal, house=house)
    async with broker_troubles.persistent(pair), again:
        pass  # the queue that is made anew has that patience
    await house.start()
    giant = json.dumps(asks.send(asks.people(20_000))).encode()
    buried = f"{house.prefix}.buried"
    async with broker_troubles.without_exchange(names.dead, heard=buried, house=house):
        asked = await house.producer.ask(giant)
        assert [error["code"] for error in asked.said["errors"]] == ["too_large"]
        good = await house.producer.ask(asks.send(asks.people(1)))
        await house.events.completed(good.job)
        assert not house.events.dead
    (letter,) = await house.events.buried(1)
    assert (letter.message_id, letter.body) == (asked.message_id, giant)
    await house.judge()


async def _died_with(house: House) -> None:
    """Somebody takes all there is, and is gone: for the broker as if we had died, but quicker."""
    url = str(house.sections["rabbitmq"]["url"])
    taken = asyncio.Queue[object]()
    async with await aio_pika.connect(url, timeout=10) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(f"{house.prefix}.requests", ensure=False)
        await queue.consume(taken.put)
        async with asyncio.timeout(10):
            await taken.get()
