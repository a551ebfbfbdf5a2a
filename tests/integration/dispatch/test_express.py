"""Express: what is due when it is accepted, and finds its lane free, is taken by its accept."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from daemon.dispatch import clock as clocks
from daemon.dispatch.express import Trip
from daemon.intake import carry
from daemon.intake.ask import Terms as Accepting
from daemon.intake.carry import Means
from daemon.intake.replaying import Replays
from daemon.intake.writers import Writers
from daemon.ledger.writer import Writer
from tests.integration.dispatch.conftest import Ground
from tests.integration.dispatch.works import DOWN, OK, Terms, Works, working
from tests.integration.intake.counter import Counter, Heard, command, send
from tests.integration.ledger.audience import Listener
from tests.waiting import until

ADDRESS = "a@x.test"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


def counter(ground: Ground, works: Works) -> Counter:
    """Accepts for an instance that delivers as well."""
    nobody: Any = None
    instance = works.lease.instance
    writers = [Writer(ground.store, Listener(), instance=instance, kind="accept") for _ in range(2)]
    terms = Accepting(
        key_lifetime=86400, open_timeout=3600, permit_window=0.25, message_domain="m.example"
    )
    means = Means(
        store=ground.store,
        writers=Writers(writers),
        replays=Replays(ground.store, nobody),
        terms=terms,
        chance=Random(),
        express=works.dispatch.express,
    )
    return Counter(means=means, heard=Heard())


async def served(works: Works) -> None:
    """Its lanes are there, and it knows that nothing waits in them."""
    await until(lambda: works.dispatch.express.may(1))


def _has_room(ground: Ground, works: Works) -> bool:
    return works.dispatch.express._has_room(ground.lanes[1], 1)


async def _in_line(ground: Ground) -> int:
    """Deliveries of one customer that stood in line, one after the other."""
    return int(await ground.bare.fetchval("SELECT coalesce(max(last_rank), 0) FROM turn"))


async def _claims(ground: Ground) -> int:
    """How often the last batch has been claimed."""
    return await ground.bare.fetchval("SELECT epoch FROM batch ORDER BY id DESC LIMIT 1")


async def test_a_free_lane_is_gone_on_at_once(ground, relay, link) -> None:
    """A mail to one is claimed and permitted by its accept, and sent once; the books balance."""
    async with working(ground.store, relay, link) as works:
        await served(works)
        told = counter(ground, works)
        answer = await told.answer(send(ADDRESS))
        await until(lambda: ground.finished(1))
        assert await _in_line(ground) == 0
        assert relay.sent == {answer["delivery"]: 1}
    assert await ground.told("delivery.sent") == 1
    assert await ground.owned() == 0
    assert await ground.keeps_the_law()


async def test_a_group_goes_as_far_as_there_is_room(ground, relay, link) -> None:
    """Of a group as many go at once as may; the others wait in line, and nobody gets two."""
    async with working(ground.store, relay, link) as works:
        await served(works)
        told = counter(ground, works)
        asks = [told.read(send(f"p{place}@x.test")) for place in range(60)]
        await carry.group(told.means, asks)
        await until(lambda: ground.finished(60))
    assert 0 < await _in_line(ground) < 60
    assert len(relay.sent) == 60
    assert set(relay.sent.values()) == {1}
    assert await ground.keeps_the_law()


async def test_nobody_goes_past_those_who_wait(ground, relay, link) -> None:
    """While others of its class wait for the lane nothing is taken; what is urgent may be."""
    relay.gate.clear()
    async with working(ground.store, relay, link) as works:
        await served(works)
        told = counter(ground, works)
        await ground.job(800)
        await until(lambda: relay.waiting == 10)
        await told.answer(send(ADDRESS))
        assert await _claims(ground) == 0
        await told.answer(send("b@x.test", **{"class": "urgent"}))
        assert await _claims(ground) == 1
        relay.gate.set()
        await until(lambda: ground.finished(3))
    assert set(relay.sent.values()) == {1}


async def test_nobody_goes_past_those_who_are_held(ground, relay, link) -> None:
    """Nor past those who are all claimed, and wait in the lane's own line without a permit."""
    relay.gate.clear()
    async with working(ground.store, relay, link) as works:
        await served(works)
        told = counter(ground, works)
        await ground.job(500)
        await until(lambda: relay.waiting == 10)
        lane = works.dispatch._crews[1].lane
        await until(lambda: lane.has(1) and not lane.before(1) and _is_all_claimed(works))
        await told.answer(send(ADDRESS))
        assert await _claims(ground) == 0
        relay.gate.set()
        await until(lambda: ground.finished(2))
    assert set(relay.sent.values()) == {1}


def _is_all_claimed(works: Works) -> bool:
    return works.dispatch.express._claimer.may_take(1, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customer SET paused = true",
        "UPDATE lane SET max_per_second = 5",
        """INSERT INTO suppression (customer_id, supp, kind, scope, effect, source)
           VALUES (1, 'a@x.test', 'manual', 'all', 'deny', 'operator')""",
        "UPDATE instance SET lease_until = now()",
    ],
    ids=["paused", "rated", "suppressed", "dead"],
)
async def test_whoever_may_not_start_is_not_taken(ground, relay, link, statement) -> None:
    """A pause, a rate, a suppression and a lost lease hold for an accept as for any permit."""
    relay.gate.clear()
    async with working(ground.store, relay, link) as works:
        await served(works)
        told = counter(ground, works)
        await ground.bare.execute(statement)
        if "lane" in statement:
            await until(lambda: not _has_room(ground, works))
        await told.answer(send(ADDRESS))
        taken = "SELECT count(*) FROM batch WHERE epoch = 1 AND rank IS NULL"
        assert await ground.bare.fetchval(taken) == 0
        works.stop.set()
        relay.gate.set()


@pytest.mark.parametrize(
    "wish",
    [
        {"delivery": {"not_before": TOMORROW}},
        {"request_id": "k", "open": True},
        {"audience": [{"type": "recipients", "items": [{"address": "b@x.test"}] * 2}]},
    ],
    ids=["later", "open", "several"],
)
async def test_whoever_is_not_one_and_due_waits(ground, relay, link, wish) -> None:
    """What is due later, comes in frames, or is for more than one is claimed as ever."""
    async with working(ground.store, relay, link) as works:
        await served(works)
        told = counter(ground, works)
        await told.answer(send(ADDRESS, **wish))
        await until(lambda: _is_taken_care_of(ground))
    assert await _in_line(ground) == sum(relay.sent.values())


async def _is_taken_care_of(ground: Ground) -> bool:
    return await ground.bare.fetchval("SELECT bool_and(done OR due_at > now()) FROM batch")


async def test_a_permit_that_ended_on_the_way_is_none(ground, relay, link, monkeypatch) -> None:
    """An accept that took longer than a permit's window gives back what it took: sent, once."""
    async with working(ground.store, relay, link) as works:
        await served(works)
        told = counter(ground, works)
        with monkeypatch.context() as patch:
            patch.setattr(Trip, "arrive", _much_later(patch))
            await told.answer(send(ADDRESS))
        await until(lambda: ground.finished(1))
        assert await _claims(ground) == 2  # given back, and claimed like everything else
    assert list(relay.sent.values()) == [1]
    assert await ground.keeps_the_law()


def _much_later(patch: pytest.MonkeyPatch) -> Any:
    arrive, now = Trip.arrive, clocks.now

    def late(trip: Trip) -> None:
        patch.setattr(clocks, "now", lambda: now() + 60)
        arrive(trip)
        patch.setattr(clocks, "now", now)

    return late


async def test_a_commit_nobody_heard_of_is_found(ground, relay, link, monkeypatch) -> None:
    """What was taken by a commit that seemed lost is a stray: given back, and sent once."""
    async with working(ground.store, relay, link) as works:
        await served(works)
        told = counter(ground, works)
        with monkeypatch.context() as patch:
            patch.setattr(Trip, "arrive", lambda _: None)
            await told.answer(send(ADDRESS))
        await until(lambda: ground.finished(1))
    assert list(relay.sent.values()) == [1]
    assert await ground.told("delivery.in_doubt") == 0
    assert await ground.keeps_the_law()


async def test_what_is_undone_was_never_taken(ground, relay, link, monkeypatch) -> None:
    """A transaction that is undone frees the places that it had booked, and sends nothing."""
    async with working(ground.store, relay, link) as works:
        await served(works)
        told = counter(ground, works)
        with monkeypatch.context() as patch:
            patch.setattr(Trip, "take", _fails)
            with pytest.raises(RuntimeError):
                await told.answer(send(ADDRESS))
        assert works.dispatch.express.may(1)
        await told.answer(send(ADDRESS))
        await until(lambda: ground.finished(1))
        assert await _in_line(ground) == 0
    assert list(relay.sent.values()) == [1]


def _fails(*_: object) -> None:
    raise RuntimeError("on purpose")


async def test_a_stop_gives_back_what_was_just_taken(ground, relay, link) -> None:
    """Whatever an accept takes while its instance stops waits for others, held by nobody."""
    async with working(ground.store, relay, link) as works:
        await served(works)
        told = counter(ground, works)
        with _closing(works):
            await told.answer(send(ADDRESS))
        works.stop.set()
    assert await ground.owned() == 0
    assert await ground.letters() in ("w", "s")
    assert sum(relay.sent.values()) == (await ground.letters() == "s")


@contextmanager
def _closing(works: Works) -> Iterator[None]:
    """The lanes close between the booking and the commit."""
    crews = works.dispatch._crews.values()
    book = Trip.book

    def and_close(trip: Trip, lane: int, klass: int) -> bool:
        is_booked = book(trip, lane, klass)
        for crew in crews:
            crew.close()
        return is_booked

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trip, "book", and_close)
        yield


async def test_a_relay_in_trouble_takes_nobody(ground, relay, link) -> None:
    """While a lane rests nothing is taken for it; once the relay is back all of it is sent."""
    relay.answer = lambda _: DOWN
    async with working(ground.store, relay, link, Terms(window=5)) as works:
        await served(works)
        told = counter(ground, works)
        await told.answer(send(ADDRESS))
        await until(lambda: not _has_room(ground, works))
        await told.answer(send("b@x.test"))
        assert await _claims(ground) == 0
        relay.answer = lambda _: OK
        await until(lambda: ground.finished(2), seconds=20)
    assert set(relay.sent.values()) == {1}


async def test_cancels_beside_it(ground, relay, link) -> None:
    """Accepts and cancels of the same jobs, at once: who is canceled got it before, or never."""
    async with working(ground.store, relay, link) as works:
        await served(works)
        told = counter(ground, works)
        async with asyncio.TaskGroup() as group:
            for place in range(20):
                group.create_task(_accepted_and_canceled(told, f"p{place}@x.test"))
        await until(lambda: ground.finished(20))
    assert (await ground.letters()).count("s") == sum(relay.sent.values())
    assert await ground.keeps_the_law()


async def _accepted_and_canceled(told: Counter, address: str) -> None:
    answer = await told.answer(send(address))
    await told.answer(command("cancel", job=answer["job"]))
