"""Dispatch as a whole: everything is sent once, whatever stops, fails or shares with it."""

from datetime import timedelta

import pytest

from daemon.dispatch.lease import LeaseLost
from daemon.mail.outcome import Outcome
from daemon.store import control, door
from tests.integration import way
from tests.integration.dispatch.works import DOWN, NOT_NOW, OK, Terms, working
from tests.waiting import until


async def test_everything_is_sent_once(ground, relay, link) -> None:
    """Large jobs and small ones are all sent, once each, and the books balance."""
    await ground.job(1200)
    for number in range(30):
        await ground.job(1 + number % 2, customer=1 + number % 2, klass=number % 3)
    async with working(ground.store, relay, link):
        await until(lambda: ground.finished(31))
    assert set(relay.sent.values()) == {1}
    assert len(relay.sent) == 1245
    assert await ground.letters() == "s" * 1245
    assert await ground.told("delivery.sent") == 1245
    assert await ground.told("job.completed") == 31
    assert await ground.owned() == 0
    assert await ground.keeps_the_law()


async def test_nothing_starts_early(ground, relay, link) -> None:
    """What is due later is sent then, without a hint and within a moment (promise 4)."""
    await ground.job(3, due=timedelta(seconds=0.5))
    async with working(ground.store, relay, link):
        await until(lambda: relay.sent)
        assert await ground.bare.fetchval(
            "SELECT now() BETWEEN due_at AND due_at + '1s' FROM batch"
        )
        await until(lambda: ground.finished(1))


async def test_two_instances_share_a_job(ground, relay, link) -> None:
    """Who has all connections gives some up for a second instance; each recipient is sent once."""
    relay.takes = 0.02
    await ground.job(5000)
    async with working(ground.store, relay, link) as first:
        await until(lambda: relay.open == 10)
        async with working(ground.store, relay, link) as second:
            await until(lambda: second.taken > 20)
            relay.takes = 0
            await until(lambda: ground.finished(1))
    assert set(relay.sent.values()) == {1}
    assert len(relay.sent) == 5000 == first.taken + second.taken
    assert relay.most <= 10
    assert await ground.told("job.completed") == 1
    assert await ground.keeps_the_law()


async def test_what_is_refused_for_now_is_tried_again(ground, relay, link) -> None:
    """A greylisted recipient is tried again by a retry row, and counted once."""
    seen: set[int] = set()

    def greylist(attempt) -> Outcome:
        is_known = attempt.delivery_id in seen
        seen.add(attempt.delivery_id)
        return OK if is_known else NOT_NOW

    relay.answer = greylist
    await ground.job(40)
    async with working(ground.store, relay, link):
        await until(lambda: ground.finished(1))
    assert sorted({number for _, number in relay.attempts}) == [1, 2]
    assert len(relay.attempts) == 80
    assert set(relay.sent.values()) == {1}
    assert await ground.told("delivery.deferred") == 40
    assert await ground.bare.fetchval("SELECT count(*) FROM retry") == 0
    assert await ground.keeps_the_law()


async def test_a_relay_that_is_down_is_probed(ground, relay, link) -> None:
    """While the relay is down few are wasted on it; when it is back all are sent."""
    relay.answer = lambda _: DOWN
    await ground.job(300)
    async with working(ground.store, relay, link) as works:
        await until(lambda: works.dispatch._lanes)
        lane = works.dispatch._lanes[ground.lanes[1]]
        await until(lambda: lane.ease.faults >= 2)
        assert len(relay.attempts) <= 15
        relay.answer = lambda _: OK
        await until(lambda: ground.finished(1))
    assert set(relay.sent.values()) == {1}
    assert await ground.keeps_the_law()


async def test_a_slow_connect_asks_for_another_permit(ground, relay, link) -> None:
    """A connection that takes longer than a permit's window delays its first mail, no more."""
    relay.connecting = 0.1
    await ground.job(50)
    async with working(ground.store, relay, link, Terms(window=0.05)):
        await until(lambda: ground.finished(1))
    assert set(relay.sent.values()) == {1}
    assert len(relay.sent) == 50


async def test_a_void_permit_leaves_nothing_under_way(ground, relay, link) -> None:
    """What was permitted and never started waits again after a stop, and is sent by the next."""
    # at this rate the second permit is a long way off
    await ground.bare.execute("UPDATE lane SET max_per_second = 0.1")
    await ground.job(20)
    async with working(ground.store, relay, link, Terms(window=0.0)) as works:

        async def is_marked() -> bool:
            return "u" in await ground.letters()

        await until(is_marked)
        await until(lambda: works.dispatch._lanes[ground.lanes[1]].waiting == 20)
    assert await ground.letters() == "w" * 20
    assert await ground.owned() == 0
    await ground.bare.execute("UPDATE lane SET max_per_second = 0")
    async with working(ground.store, relay, link):
        await until(lambda: ground.finished(1))
    assert set(relay.sent.values()) == {1}


async def test_a_stop_gives_back_what_waits(ground, relay, link) -> None:
    """At a stop nothing new starts, what flies ends, all the rest is free at once (promise 9)."""
    relay.gate.clear()
    await ground.job(900)
    async with working(ground.store, relay, link) as works:
        await until(lambda: relay.waiting == 10)
        works.stop.set()
        relay.gate.set()
    assert len(relay.sent) == 10
    assert (await ground.letters()).count("w") == 890
    assert await ground.owned() == 0
    assert await ground.keeps_the_law()


async def test_what_can_not_end_is_put_off(ground, relay, link) -> None:
    """What is still flying at the deadline is certainly not delivered, and tried by the next."""
    relay.gate.clear()
    await ground.job(100)
    async with working(ground.store, relay, link, Terms(stop_deadline=0.1)):
        await until(lambda: relay.waiting == 10)
    assert (await ground.letters()).count("d") == 10
    assert await ground.owned() == 0
    relay.gate.set()
    async with working(ground.store, relay, link):
        await until(lambda: ground.finished(1))
    assert set(relay.sent.values()) == {1}
    assert await ground.keeps_the_law()


async def test_a_stop_during_a_permit(ground, relay, link) -> None:
    """Deliveries whose permit is being asked for at a stop wait again, like all others."""
    await ground.job(5)
    relay.gate.clear()
    async with working(ground.store, relay, link) as works:
        await until(lambda: relay.waiting == 5)
        await ground.job(5, customer=2, due=timedelta(seconds=0.5))
        async with ground.locked("LOCK TABLE suppression"):  # what is due then is asked for there
            await until(ground.is_held_up)
            relay.gate.set()
            works.stop.set()
            await until(ground.goes_on)
    assert await ground.letters() == "sssss" + "wwwww"
    assert await ground.owned() == 0
    assert await ground.keeps_the_law()


async def test_after_a_lost_lease_nothing_is_sent(ground, relay, link) -> None:
    """Who has lost the lease sends no final dot any more, though it was already at it."""
    relay.gate.clear()
    await ground.job(600)
    async with working(ground.store, relay, link, Terms(lease=0.4)) as works:
        await until(lambda: relay.waiting == 10)
        await ground.bare.execute("DELETE FROM instance")
        with pytest.raises(LeaseLost):
            await works.lease.run()
        relay.gate.set()
        works.stop.set()
    assert not relay.sent
    async with working(ground.store, relay, link):
        await until(lambda: ground.finished(1))
    assert set(relay.sent.values()) == {1}
    assert len(relay.sent) == 600
    assert await ground.keeps_the_law()


async def test_what_is_paused_waits_and_nobody_falls_over_it(ground, relay, link) -> None:
    """With nothing but a paused job to do dispatch waits; resumed, the job is sent."""
    job = await ground.job(10)
    async with ground.store.transaction() as session:
        await control.hold(session, [job])
    async with working(ground.store, relay, link):
        other = await ground.job(3, customer=2)
        await until(lambda: ground.finished(1))
        assert other
        async with ground.store.transaction() as session:
            await control.free(session, [job])
        await until(lambda: ground.finished(2))
    assert len(relay.sent) == 13


async def test_too_many_untold_events_hold_up_what_is_new(ground, relay, link) -> None:
    """At the ceiling nothing new is sent, what is urgent a little longer; then work goes on."""
    async with working(ground.store, relay, link) as works:
        claimer = works.dispatch.claimer
        claimer.weigh(1_200_000)
        await ground.job(5, klass=1)
        await ground.job(2, klass=0)
        await until(lambda: ground.bare.fetchval("SELECT count(rank) = 2 FROM batch"))
        assert not relay.sent
        claimer.weigh(1_050_000)
        await until(lambda: ground.finished(1))
        assert (len(relay.sent), claimer.why_resting[:7]) == (2, "1050000")
        claimer.weigh(899_999)
        await until(lambda: ground.finished(2))
    assert len(relay.sent) == 7
    assert claimer.why_resting == ""


async def test_a_lane_of_others_is_left_alone(ground, relay, link) -> None:
    """What goes by a transport that isn't in our configuration is for those who have it."""
    for customer in (1, 2):
        await ground.job(5, customer=customer)
    async with working(ground.store, relay, link, Terms(stranger=2)):
        await until(lambda: ground.finished(1))
        async with working(ground.store, relay, link, Terms(stranger=1)):
            await until(lambda: ground.finished(2))
    assert len(relay.sent) == 10


@pytest.mark.parametrize(("hold", "most"), [(1000, 1000), (100, 500)])
async def test_no_more_is_in_memory_than_it_may_hold(
    ground, relay, link, hold: int, most: int
) -> None:
    """However many lanes and classes have work; where not even a batch fits, one is held."""
    relay.takes = 0.001
    for number in range(18):
        await ground.job(300, customer=1 + number % 2, klass=number % 3)
    held = set()
    async with working(ground.store, relay, link, Terms(hold=hold)) as works:

        async def over() -> bool:
            held.add(works.dispatch.holding)
            return await ground.finished(18)

        await until(over, seconds=30)
    assert 200 < max(held) <= most
    assert set(relay.sent.values()) == {1}


async def test_an_instance_keeps_to_its_connections(ground, relay, link) -> None:
    """With one connection for two lanes both are served, one after the other."""
    for customer in (1, 2):
        await ground.job(30, customer=customer)
    async with working(ground.store, relay, link, Terms(connections=1)):
        await until(lambda: ground.finished(2))
    assert relay.most == 1
    assert set(relay.sent.values()) == {1}


@pytest.mark.parametrize("limit", [1, 3])
async def test_a_limit_holds_over_instances(ground, relay, link, limit: int) -> None:
    """However work comes and goes, two instances together never pass the limit (promise 6)."""
    await ground.bare.execute("UPDATE lane SET max_connections = $1", limit)
    async with (
        working(ground.store, relay, link, Terms(idle=0.05)),
        working(ground.store, relay, link, Terms(idle=0.05)),
    ):
        for number in range(5):
            await ground.job(700)
            await until(lambda number=number: len(relay.sent) > number * 700 + 300)
        await until(lambda: ground.finished(5), seconds=30)
    assert relay.most <= limit
    assert set(relay.sent.values()) == {1}


async def test_a_database_that_hears_and_does_not_answer(ground, relay, link) -> None:
    """Claims, permits and commits nobody heard of are found again; nothing is lost or doubled."""
    await ground.job(1500)
    async with (
        way.to(ground.dsn) as road,
        door.opened(
            door.Reach(dsn=road.dsn, role="test", connect_timeout=0.5, statement_timeout=1.0)
        ) as fragile,
        working(fragile, relay, link),
    ):
        for share in (100, 400, 700):
            await until(lambda share=share: len(relay.sent) > share)
            road.deafen()
        await until(lambda: ground.finished(1), seconds=40)
        assert await ground.told("delivery.in_doubt") == 0
    assert set(relay.sent.values()) == {1}
    assert await ground.owned() == 0
    assert await ground.keeps_the_law()


async def test_a_database_that_drops_everybody(ground, relay, link) -> None:
    """Backends that are killed in the middle of everything cost time, and nothing else."""
    await ground.job(1500)
    async with working(ground.store, relay, link):
        for share in (100, 400, 700):
            await until(lambda share=share: len(relay.sent) > share)
            await ground.bare.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user"
                " AND pid <> pg_backend_pid()"
            )
        await until(lambda: ground.finished(1), seconds=30)
        assert await ground.told("delivery.in_doubt") == 0
    assert set(relay.sent.values()) == {1}
    assert await ground.owned() == 0
    assert await ground.keeps_the_law()
