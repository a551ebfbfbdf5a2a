"""Settling beside commands about the same jobs: nobody waits for somebody who waits for him."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from daemon.dispatch.booking import Booking
from daemon.dispatch.settler import Settler
from daemon.intake.ask import Terms
from daemon.intake.carry import Means
from daemon.intake.replaying import Replays
from daemon.intake.writers import Writers
from daemon.ledger.writer import Writer
from daemon.mail import ids
from daemon.mail.outcome import Bounced, Deferred, InDoubt, Sent
from daemon.mail.reply import Reply
from daemon.mail.standing import Fact
from daemon.store import audits, claims, errors
from tests.integration import till
from tests.integration.dispatch.conftest import Ground
from tests.integration.dispatch.facts import claimed, facts, of_retry, retried, settling
from tests.integration.intake.counter import Counter, Document, Heard, command, extend, send
from tests.integration.ledger.audience import Listener

OUTCOMES = (
    Sent(reply=Reply(code=250), relay="r:25"),
    Deferred(reason="refused", reply=Reply(code=451), relay="r:25"),
    Bounced(reply=Reply(code=550), relay="r:25"),
    InDoubt(reason="dropped", relay="r:25"),
)
JOBS, SIZE, COMMANDS, ROUNDS = 8, 24, 160, 80


def _counter(ground: Ground, instance: UUID) -> Counter:
    """Where commands are put; nobody tells their events, and none of them is a replay."""
    nobody: Any = None
    writers = [Writer(ground.store, Listener(), instance=instance, kind="accept") for _ in range(2)]
    terms = Terms(
        key_lifetime=86400, open_timeout=3600, permit_window=0.0, message_domain="m.example"
    )
    means = Means(
        store=ground.store,
        writers=Writers(writers),
        replays=Replays(ground.store, nobody),
        terms=terms,
        chance=Random(),
    )
    return Counter(means=means, heard=Heard())


def _commands(jobs: list[UUID], deliveries: list[int], chance: Random) -> Iterator[Document]:
    """Everything that changes a job or a delivery; a cancel of a whole job only at the end."""
    moment = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for place in range(COMMANDS):
        job, delivery = str(chance.choice(jobs)), chance.choice(deliveries)
        late = [command("cancel", job=job)] if place > COMMANDS * 3 // 4 else []
        yield chance.choice(
            [
                command("pause", job=job),
                command("resume", job=job),
                command("pause", customer=1),
                command("resume", customer=1),
                command("reschedule", job=job, not_before=moment),
                command("reschedule", delivery=delivery, not_before=moment),
                command("cancel", delivery=delivery),
                command("doubt.resolve", job=job, action=chance.choice(["resend", "give_up"])),
                *late,
            ]
        )


async def _put(counter: Counter, documents: Iterator[Document]) -> None:
    """One after the other, as the desk does: what lost to another one is repeated."""
    for document in documents:
        while True:
            try:
                await counter.put(document)
            except errors.Again:
                continue
            break


def _frames(number: int) -> Iterator[Document]:
    """More and more recipients of an open job."""
    for frame in range(1, ROUNDS + 1):
        yield extend(f"open-{number}", frame, *(f"f{frame}-{place}@x.test" for place in range(5)))


async def _opened(counter: Counter, number: int) -> UUID:
    answer = await counter.answer(send(request_id=f"open-{number}", open=True))
    return UUID(answer["job"])


async def _settle(settler: Settler, told: list[Fact], chance: Random) -> None:
    """Small groups of all jobs, most of them again and again: what is repeated locks as well."""
    for _ in range(ROUNDS):
        await settler.settled(chance.sample(told, 6))


async def _try_again(ground: Ground, owner: UUID, settler: Settler, chance: Random) -> None:
    for _ in range(ROUNDS // 8):
        await claims.promote(ground.store)
        rows = await retried(ground, owner)
        await settler.settled([of_retry(row, chance.choice(OUTCOMES)) for row in rows])


async def _book(booking: Booking) -> None:
    """Again and again, as if whatever is settled ended a job."""
    for _ in range(ROUNDS):
        await booking.book()


async def _books_balance(ground: Ground) -> bool:
    _, found = await audits.taken(ground.store, None, limit=20)
    return not [one for one in found if one.law in ("credit", "money")]


async def test_no_order_of_locks_crosses_another(ground: Ground) -> None:
    """Two who settle, promote and book, frames, commands about all jobs: no deadlock, books whole.

    Own stream, customer, jobs, batches, retry rows, each by id, accounts last: so says the lock
    order. All of it is paid for, and what is entered adds up.
    """
    chance = Random(7)
    await till.fund(ground.bare, "100000")
    first, second = await ground.instance(), await ground.instance()
    counter = _counter(ground, first)
    people = [f"p{place}@x.test" for place in range(SIZE)]
    jobs = [
        UUID((await counter.answer(send(*people, delivery={"doubt": "hold"})))["job"])
        for _ in range(JOBS)
    ]
    held = await claimed(ground, first)
    told = [fact for one in held for fact in facts(one, OUTCOMES * (SIZE // len(OUTCOMES)))]
    deliveries = [ids.delivery_id(one.id, place) for one in held for place in range(SIZE)]
    opened = [await _opened(counter, number) for number in range(2)]
    commands = _commands([*jobs, *opened], deliveries, chance)
    async with (
        settling(ground.store, first) as one,
        settling(ground.store, second) as other,
        asyncio.TaskGroup() as group,
    ):
        for settler in (one, other):
            group.create_task(_settle(settler, told, chance))
            group.create_task(_book(Booking(ground.store)))
        for _ in range(2):
            group.create_task(_put(counter, commands))
        for number in range(len(opened)):
            group.create_task(_put(counter, _frames(number)))
        group.create_task(_try_again(ground, second, other, chance))
    assert await ground.keeps_the_law()
    await Booking(ground.store).book()
    assert await _books_balance(ground)
    assert await ground.deadlocks() == 0
