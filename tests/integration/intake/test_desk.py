"""Parcels through a broker: carried out, answered, acknowledged, or put away with a reason."""

import asyncio
import json

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from daemon import metrics
from daemon.broker import consumer
from daemon.config import Config
from tests.integration.intake.counter import (
    ANN,
    BOB,
    LOCKED,
    TOKEN,
    Document,
    close,
    command,
    extend,
    send,
)
from tests.integration.intake.house import DEADLINE, House


def _codes(answer: Document) -> list[str]:
    return [error["code"] for error in answer["errors"]]


async def test_asked_and_answered(house: House) -> None:
    """A parcel becomes a job; its answer goes to where it asked for it, and it is acknowledged."""
    await house.publish(send(request_id="r1"), reply_to=house.reply_to, correlation_id="c1")
    async with asyncio.timeout(20):
        correlation, answer = await house.replies.get()
    assert (correlation, answer["ok"], answer["request_id"]) == ("c1", True, "r1")
    assert answer["job"] == str(await house.value("SELECT id FROM job"))
    await house.emptied()


async def test_published_again_it_is_one_job(house: House) -> None:
    """A1: a producer that isn't sure publishes the same again, and gets the same answer."""
    answers = [await house.ask(send(), message_id="m1") for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert await house.value("SELECT count(*) FROM job") == 1
    assert await house.value("SELECT request_id FROM job") == "m1"


async def test_two_of_the_same_key_at_once(house: House) -> None:
    """Repeats that lie side by side on the queue are one job, and every one is answered."""
    for number in range(60):
        await house.publish(send(), message_id=f"m{number % 20}", reply_to=house.reply_to)
    async with asyncio.timeout(20):
        jobs = [(await house.replies.get())[1]["job"] for _ in range(60)]
    assert len(set(jobs)) == 20
    assert await house.value("SELECT count(*) FROM job") == 20


async def test_hundreds_are_accepted_in_few_transactions(house: House) -> None:
    """What lies on the queue while others are being accepted is accepted in groups."""

    async def taken() -> bool:
        return await house.waiting() <= 150 - consumer.FIRST

    async with house.held_up():
        for number in range(150):
            await house.publish(send(f"r{number}@x.test"), message_id=f"m{number}")
        await house.until(taken)
    await house.jobs(150)
    # two workers held the first that came, few or many; what came meanwhile went together
    largest = "SELECT max(size) FROM (SELECT count(*) AS size FROM job GROUP BY xmin::text) AS t"
    assert await house.value(largest) >= consumer.FIRST // 4
    await house.emptied()


async def test_the_urgent_queue_makes_urgent(house: House) -> None:
    """What comes by the urgent queue is of the urgent class, unless it says otherwise."""
    await house.ask(send(), key="request.urgent")
    assert await house.value("SELECT class FROM job") == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "bad_json"),
        (b"[]", "bad_json"),
        (b'{"v":2,"command":"send"}', "unsupported.version"),
        (b'{"v":1,"command":"fly"}', "unknown.command"),
    ],
)
async def test_what_is_no_request_is_a_dead_letter(house: House, body: bytes, reason: str) -> None:
    """It is put away with its reason and as it was, told, answered, and gone from the queue."""
    answer = await house.ask(body, message_id="m1", correlation_id="c1")
    assert _codes(answer) == [reason]
    [dead] = await house.dead()
    assert dead.headers["reason"] == reason
    assert dead.body == body
    assert (dead.message_id, dead.routing_key) == ("m1", "request.normal")
    [told] = house.heard.of("request.rejected")
    assert (told["request_id"], [error["code"] for error in told["errors"]]) == ("m1", [reason])
    await house.emptied()


async def test_what_can_not_be_buried_stays(house: House) -> None:
    """A20: without a queue for dead letters a parcel that is no request isn't let go of."""
    await house.channel.queue_delete(house.names.dead)
    await house.publish(b"{", message_id="m1")
    await house.publish(send(), message_id="m2")
    await house.jobs(1)  # and so the one before it has been looked at
    house.stop.set()
    async with asyncio.timeout(DEADLINE):
        await house.running
    await house.until(lambda: _is_back(house))


async def _is_back(house: House) -> bool:
    return await house.waiting() == 1


async def test_a_strange_type_is_a_dead_letter(house: House) -> None:
    """A type that is neither ours nor a dialect's."""
    await house.publish(send(), type="pigeon")
    [dead] = await house.dead()
    assert dead.headers["reason"] == "unknown.type"


async def test_everything_wrong_is_said_at_once(house: House) -> None:
    """Three faults are three errors, in the answer and in the event; nothing is stored."""
    wrong = send(purpose="spam", open="yes", colour="red")
    answer = await house.ask(wrong, message_id="m1")
    assert answer["request_id"] == "m1"  # the key that its sender knows, as in a yes
    assert sorted(error["field"] for error in answer["errors"]) == ["colour", "open", "purpose"]
    [told] = house.heard.of("request.rejected")
    assert told["errors"] == answer["errors"]
    assert await house.value("SELECT count(*) FROM job") == 0


async def test_neighbours_of_the_bad_go_on(house: House) -> None:
    """Among good parcels lie bad ones of every kind, and every good one is accepted."""
    bad = [b"nonsense", send(colour="red"), send(delivery={"transport": {"id": 99}})]
    for number in range(60):
        document = bad[number // 3 % 3] if number % 3 == 0 else send(f"r{number}@x.test")
        await house.publish(document, message_id=f"m{number}")
    await house.jobs(40)
    await house.emptied()
    assert await house.value("SELECT count(*) FROM job") == 40
    assert len(house.heard.of("request.rejected")) == 20
    assert len(await house.dead(7)) == 7


async def test_poison_is_put_away_and_holds_up_nobody(house: House) -> None:
    """A4: a request that breaks a law of the database fails alone, thrice, and is dead then."""
    async with house.store.session() as session:
        await session._connection.execute(
            "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF NEW.spec ->> 'subject' = 'poison' THEN"
            " RAISE EXCEPTION 'poison' USING ERRCODE = 'check_violation'; END IF;"
            " RETURN NEW; END $$;"
            "CREATE TRIGGER poison BEFORE INSERT ON message"
            " FOR EACH ROW EXECUTE FUNCTION poison()"
        )
    poison = send(messages=[{"subject": "poison", "text": "t"}])
    for number in range(100):
        await house.publish(poison if number == 50 else send(), message_id=f"m{number}")
    await house.jobs(99)
    [dead] = await house.dead()
    assert (dead.message_id, dead.headers["reason"]) == ("m50", "internal")
    assert dead.headers["detail"] == "CheckViolationError"
    await house.emptied()
    assert [told["request_id"] for told in house.heard.of("request.rejected")] == ["m50"]


async def test_without_a_key_it_is_forgotten_when_it_can_not_come_again(house: House) -> None:
    """What was accepted without a key is remembered only until its acknowledgement has arrived."""
    for _ in range(3):
        await house.publish_unkeyed(send())
    await house.jobs(3)

    async def is_forgotten() -> bool:
        return await house.value("SELECT count(*) FROM request_seen") == 0

    await house.until(is_forgotten)


async def test_what_can_not_be_told_yet_holds_up_nobody(house: House, url: str) -> None:
    """A redelivered twin of what a living instance has in hand waits until that one has let go."""
    taken = asyncio.Event()

    async def take(_message: AbstractIncomingMessage) -> None:
        taken.set()

    await house.held_by_another(send())
    published = 0
    async with await aio_pika.connect(url, timeout=10) as other, other.channel() as channel:
        await channel.set_qos(prefetch_count=1)
        await (await channel.get_queue(house.names.normal)).consume(take)
        while not taken.is_set():
            await house.publish_unkeyed(send())
            published += 1
    assert (await house.ask(send(), message_id="m1"))["ok"]
    assert await house.value("DELETE FROM request_seen WHERE job_id IS NULL RETURNING true")
    await house.jobs(published + 1)


@pytest.mark.parametrize("is_keyed", [True, False], ids=["keyed", "without a key"])
async def test_a_connection_lost_between_commit_and_acknowledgement(
    house: House, monkeypatch: pytest.MonkeyPatch, *, is_keyed: bool
) -> None:
    """A15: a parcel whose acknowledgement is lost comes again, is recognised, and is one job."""
    link, lost = house.intake._equipment.inbound, iter([True])

    def reach(name: str, *_: object) -> None:
        if name == "C3" and next(lost, False):
            link._wire._writer.transport.abort()

    async def is_recognised() -> bool:
        return metrics.parcels("normal", "repeated")._value.get() == before + 1

    before = metrics.parcels("normal", "repeated")._value.get()
    monkeypatch.setattr("daemon.crashpoints.reach", reach)
    await (house.publish(send(), message_id="m") if is_keyed else house.publish_unkeyed(send()))
    await house.until(is_recognised)
    await house.emptied()
    assert await house.value("SELECT count(*) FROM job") == 1


async def test_handed_out_again_it_is_accepted_all_the_same(house: House, url: str) -> None:
    """A parcel that somebody else took and lost becomes a job here."""
    taken = asyncio.Queue[str | None]()

    async def take(message: AbstractIncomingMessage) -> None:
        taken.put_nowait(message.message_id)

    async with await aio_pika.connect(url, timeout=10) as other, other.channel() as channel:
        await channel.set_qos(prefetch_count=1)
        await (await channel.get_queue(house.names.normal)).consume(take)
        while taken.empty():
            await house.publish(send())
        lost = taken.get_nowait()

    async def is_there() -> bool:
        return await house.value("SELECT count(*) FROM job WHERE request_id = $1", lost) == 1

    await house.until(is_there)


async def test_while_the_database_is_away_nothing_is_lost(house: House) -> None:
    """Connections that are cut again and again cost no request, and make none twice."""
    for number in range(200):
        await house.publish(send(), message_id=f"m{number}")
        if number % 20 == 0:
            await _cut(house)
    for _ in range(5):
        await asyncio.sleep(0.05)
        await _cut(house)
    await house.jobs(200)
    await house.emptied()
    assert await house.value("SELECT count(*) FROM job") == 200
    assert len({told["request_id"] for told in house.heard.of("job.accepted")}) <= 200


async def _cut(house: House) -> None:
    async with house.store.session() as session:
        await session._connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user"
            " AND pid <> pg_backend_pid()"
        )


async def test_who_asks_is_whom_the_broker_has_checked(
    house: House, settings: Config, user: str
) -> None:
    """A user speaks for his customer; one without a customer, or without a name, for nobody."""
    assert (await house.ask(send(), user_id=user))["ok"]
    changed = settings.intake.model_copy(update={"users": {}, "anonymous": None})
    house.intake.reload(settings.model_copy(update={"intake": changed}))
    assert _codes(await house.ask(send(), user_id=user)) == ["auth.invalid"]
    assert _codes(await house.ask(send())) == ["auth.missing"]
    customers = [told.event.customer_id for told in house.heard.told]
    assert customers == [ANN, 0, 0]


async def test_another_principal_only_from_the_trusted(
    house: House, settings: Config, user: str
) -> None:
    """A body may name another customer only if its publisher is trusted to."""
    wanted = send(principal={"customer_id": BOB})
    assert _codes(await house.ask(wanted, user_id=user)) == ["forbidden.role"]
    trusted = settings.intake.model_copy(update={"trusted": (user,)})
    house.intake.reload(settings.model_copy(update={"intake": trusted}))
    assert (await house.ask(wanted, user_id=user))["ok"]
    assert await house.value("SELECT customer_id FROM job") == BOB
    nobody = send(principal={"customer_id": 99})
    assert _codes(await house.ask(nobody, user_id=user)) == ["auth.invalid"]
    locked = send(principal={"customer_id": LOCKED})
    assert _codes(await house.ask(locked, user_id=user)) == ["forbidden.plan"]


async def test_the_first_dialect(house: House) -> None:
    """A foreigner's parcel is known by its token, and answered in its own words."""
    call = {
        "method": "sendEmail",
        "token": TOKEN,
        "email": "to@x.test",
        "sender_email": "me@x.test",
        "subject": "Hello",
        "message": "<p>Hello</p>",
    }
    answer = await house.ask(call, type="smsby")
    assert answer == {
        "status": "OK",
        "result": {"email_id": await house.value("SELECT id FROM delivery")},
    }
    stranger = await house.ask(call | {"token": "guess"}, type="smsby")
    assert stranger["status"] == "error"
    assert await house.value("SELECT count(*) FROM job") == 1


async def test_a_cancel_answers_when_nothing_can_start_any_more(house: House) -> None:
    """The answer comes one permit window after the commit; others aren't held up meanwhile."""
    job = (await house.ask(send()))["job"]
    clock = asyncio.get_running_loop().time
    start = clock()
    await house.publish(command("cancel", job=job), reply_to=house.reply_to)
    await house.publish(command("status", job=job), reply_to=house.reply_to)
    async with asyncio.timeout(20):
        first, second = (await house.replies.get())[1], (await house.replies.get())[1]
    assert (first["command"], second["command"]) == ("status", "cancel")
    assert clock() - start >= 0.25
    assert second["canceled"] == 1


async def test_frames_through_the_queue(house: House) -> None:
    """Frames that overtake their send are answered in the end, and the job is whole."""
    documents = [
        extend("j", 2, "b@x.test"),
        close("j", 2),
        send("a@x.test", request_id="j", open=True),
        extend("j", 1, "c@x.test"),
    ]
    for document in documents:
        await house.publish(document, reply_to=house.reply_to)
    async with asyncio.timeout(20):
        answers = [(await house.replies.get())[1] for _ in documents]
    assert sorted(answer["command"] for answer in answers) == ["close", "extend", "extend", "send"]

    async def is_closed() -> bool:
        return not await house.value("SELECT open FROM job")

    await house.until(is_closed)
    assert await house.value("SELECT queued FROM job") == 3


@pytest.mark.parametrize(
    "reply_to", ["gone", "x" * 255, "no\nname\r\0", "amq.rabbitmq.reply-to.nobody", "é" * 127]
)
async def test_nobody_waits_for_the_answer(house: House, reply_to: str) -> None:
    """A mailbox that is gone, or never was one, is nobody's loss, and holds up nobody."""
    await house.publish(send(), reply_to=reply_to, message_id="m1")
    await house.publish(b"{", reply_to=reply_to)
    assert (await house.ask(send()))["ok"]
    await house.jobs(2)
    await house.dead(1)
    await house.emptied()


async def test_told_again(house: House) -> None:
    """A replay publishes the events of a job again, under the same ids."""
    job = (await house.ask(send("nobody")))["job"]
    queue = await house.channel.declare_queue(exclusive=True)
    await queue.bind(house.names.events, "#")
    async with house.store.session() as session:
        await session._connection.execute("UPDATE stream SET told_seq = last_seq")
    for wanted in ({"job": job}, {"from": "2020-01-01T00:00:00Z"}):
        answer = await house.ask(command("events.replay", **wanted))
        assert answer["events"] == 2
        found = []
        async with asyncio.timeout(20):
            while len(found) < 2:
                message = await queue.get(fail=False, no_ack=True)
                found += [message] if message else []
                await asyncio.sleep(0 if message else 0.02)
        ids = [str(told.id) for told in house.heard.told]
        assert [message.message_id for message in found] == ids
        assert [json.loads(message.body)["id"] for message in found] == ids


async def test_while_too_much_waits_parcels_stay_on_their_queue(house: House) -> None:
    """At the ceiling parcels stay where they are, urgent ones come a little longer; then on."""
    most = Config().intake.max_waiting
    house.intake.weigh(most)
    await house.until(lambda: _is_left(house, house.names.normal))
    await house.publish(send(), message_id="n")
    assert (await house.ask(send(), message_id="u", key="request.urgent"))["ok"]
    assert str(most) in house.intake.why_resting
    assert house.intake.why_down == ""
    house.intake.weigh(most * 2)
    await house.until(lambda: _is_left(house, house.names.urgent))
    house.intake.weigh(int(most * 0.95))
    await house.until(lambda: _is_served(house, house.names.urgent))
    assert (await house.waiting(), await house.value("SELECT count(*) FROM job")) == (1, 1)
    house.intake.weigh(int(most * 0.89))
    await house.jobs(2)
    assert house.intake.why_resting == ""


async def _is_left(house: House, queue: str) -> bool:
    return await _consumers(house, queue) == 0


async def _is_served(house: House, queue: str) -> bool:
    return await _consumers(house, queue) == 1


async def _consumers(house: House, queue: str) -> int:
    found = await house.channel.declare_queue(queue, passive=True)
    return found.declaration_result.consumer_count or 0
