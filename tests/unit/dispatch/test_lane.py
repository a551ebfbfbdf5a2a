"""A lane: who waits, who may start, who takes it, and how it comes back."""

import asyncio

import pytest

from daemon.delivery.courier import Reason
from daemon.dispatch.lane import LOW_WATER
from daemon.mail.outcome import Deferred, Failed, Sent
from daemon.mail.reply import Reply
from tests.waiting import until

OK = Sent(reply=Reply(code=250), relay="h:25")
DOWN = Deferred(reason=Reason.CONNECT)
WRONG_PASSWORD = Deferred(reason=Reason.AUTH)


def _permitted(lane, clock, number: int) -> list:
    """What a permit of so many does."""
    asked = lane.next_asks(number)
    for held in asked:
        held.until = clock.now + lane.settings.permit_window
    lane.permit(asked)
    return asked


def test_what_has_a_permit_is_taken_in_order(lane, clock, hold) -> None:
    """Connections get what is ready, first come first, and nothing that only waits."""
    lane.add(hold(3))
    assert lane.take_nowait() is None
    _permitted(lane, clock, 2)
    taken = [lane.take_nowait() for _ in range(3)]
    assert [attempt and attempt.delivery_id for attempt in taken] == [0, 1, None]
    assert (lane.waiting, lane.ready, len(lane.flying)) == (1, 0, 2)


def test_what_is_out_for_a_permit_is_held(lane, clock, hold) -> None:
    """However slow the answer, a lane that waits for it never looks empty: it keeps its grant."""
    lane.add(hold(3))
    asked = lane.next_asks(3)
    assert (lane.waiting, lane.holding) == (0, 3)
    lane.refuse(asked)
    assert (lane.waiting, lane.holding) == (3, 3)
    _permitted(lane, clock, 3)
    assert (lane.ready, lane.holding) == (3, 3)


def test_a_void_permit_starts_nothing(lane, clock, hold) -> None:
    """After its window a permit is void: all that had it wait again, at the front, in order."""
    lane.add(hold(5))
    _permitted(lane, clock, 3)
    clock.now += lane.settings.permit_window
    assert lane.take_nowait() is None
    assert lane.ready == 0
    assert [held.id for held in lane.next_asks(5)] == [0, 1, 2, 3, 4]


def test_the_void_are_recalled_though_nobody_takes(lane, clock, hold) -> None:
    """Without a connection what is ready and void doesn't stay, and what is not void does."""
    lane.add(hold(4))
    _permitted(lane, clock, 2)
    clock.now += lane.settings.permit_window / 2
    _permitted(lane, clock, 1)
    clock.now += lane.settings.permit_window / 2
    lane.recall()
    assert (lane.ready, lane.waiting) == (1, 3)


def test_what_can_not_be_composed_fails_without_a_connection(lane, clock, hold, ends) -> None:
    """A delivery that can't become a mail ends at once, and the next one is taken."""
    lane.add(hold(1, address="") + hold(1))
    _permitted(lane, clock, 2)
    attempt = lane.take_nowait()
    assert attempt is not None
    assert [(held.id, outcome) for held, outcome in ends.outcomes] == [
        (0, Failed(reason="content"))
    ]
    assert list(lane.flying) == [attempt.delivery_id] == [1]


def test_classes_take_turns(lane, hold) -> None:
    """Of what waits each class gets its share of the permits."""
    for klass in (2, 1, 0):
        lane.add(hold(50, klass=klass))
    klasses = [held.klass for held in lane.next_asks(13)]
    assert [klasses.count(klass) for klass in (0, 1, 2)] == [8, 4, 1]


async def test_the_urgent_go_first_of_those_that_have_a_permit(lane, clock, hold) -> None:
    """Half a window of others may be ready: whoever is waited for goes before them all."""
    lane.add(hold(3, klass=2))
    _permitted(lane, clock, 3)
    lane.add(hold(2, klass=0))
    _permitted(lane, clock, 2)
    assert lane.ready == 5
    urgent = [lane.take_nowait() for _ in range(2)]
    for attempt in urgent:
        lane.settle(attempt, OK)
    others = [lane.take_nowait() for _ in range(3)]
    assert [attempt.delivery_id for attempt in urgent + others] == [3, 4, 0, 1, 2]


async def test_others_stand_back_for_what_is_urgent(lane, clock, hold, precedence) -> None:
    """While it is in hand, here or elsewhere, no other mail starts; then all go on at once."""
    lane.workers = 3
    precedence.begin()
    lane.add(hold(2, klass=2))
    _permitted(lane, clock, 2)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(lane.take()) for _ in range(2)]
        await until(lambda: lane.idle == 2)
        lane.add(hold(1, klass=0))
        _permitted(lane, clock, 1)
        await until(lambda: any(task.done() for task in tasks))
        assert list(lane.flying) == [2]
        [urgent] = [task.result() for task in tasks if task.done()]
        lane.settle(urgent, OK)
        assert lane.take_nowait() is None
        precedence.end()
        await until(lambda: all(task.done() for task in tasks))
    assert list(lane.flying) == [0]
    assert lane.take_nowait().delivery_id == 1


def test_the_urgent_do_not_hide_what_is_void(lane, clock, hold) -> None:
    """Each is recalled when its own window has closed."""
    lane.add(hold(3, klass=2))
    _permitted(lane, clock, 3)
    clock.now += lane.settings.permit_window / 2
    lane.add(hold(2, klass=0))
    _permitted(lane, clock, 2)
    clock.now += lane.settings.permit_window / 2
    lane.recall()
    assert (lane.ready, lane.waiting) == (2, 3)
    clock.now += lane.settings.permit_window / 2
    lane.recall()
    assert (lane.ready, lane.waiting) == (0, 5)


def test_more_is_wanted_while_little_waits(lane, clock, hold) -> None:
    """A lane wants more of a class below its mark; nothing while what it has can't start."""
    assert lane.wants(1)
    lane.add(hold(LOW_WATER))
    assert not lane.wants(1)
    assert lane.wants(0)
    lane.grant(0)
    assert not lane.wants(0)


async def test_a_connection_waits_for_work(lane, clock, hold) -> None:
    """A connection that finds nothing is woken by the next permit; as many as there is work for."""
    lane.workers = 3
    lane.add(hold(2))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(lane.take()) for _ in range(3)]
        await until(lambda: lane.idle == 3)
        _permitted(lane, clock, 2)
        await until(lambda: lane.idle <= 1)
        lane.close()
    assert [task.result() is not None for task in tasks] == [True, True, False]


async def test_an_idle_connection_closes(lane, clock, hold) -> None:
    """A connection without work is let go after its idle time."""
    lane.workers = 1
    lane.settings = type(lane.settings)(idle=0.01, permit_size=1, permit_window=0.25, shares={1: 1})
    async with asyncio.timeout(5):
        assert await lane.take() is None


async def test_a_shrunk_grant_closes_what_is_idle(lane) -> None:
    """When others get a part of the limit, as many idle connections as needed close at once."""
    lane.workers = 3
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(lane.take()) for _ in range(3)]
        await until(lambda: lane.idle == 3)
        lane.grant(2)
        await until(lambda: lane.idle <= 2)
        assert sum(task.done() for task in tasks) <= 1
        lane.close()


def test_a_shrunk_grant_stops_what_is_busy(lane, clock, hold) -> None:
    """A busy connection that is one too many gets nothing more."""
    lane.workers = 3
    lane.add(hold(2))
    _permitted(lane, clock, 2)
    lane.grant(2)
    assert lane.take_nowait() is None
    lane.workers = 2
    assert lane.take_nowait() is not None


async def test_one_idle_connection_makes_room(lane) -> None:
    """Dismissed, exactly one of the idle connections closes."""
    lane.workers = 2
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(lane.take()) for _ in range(2)]
        await until(lambda: lane.idle == 2)
        lane.dismiss()
        await until(lambda: any(task.done() for task in tasks))
        assert lane.idle == 1
        lane.close()


async def test_a_slow_connect_asks_again(lane, clock, hold) -> None:
    """An attempt whose permit ended while its connection was opened is taken back, unharmed."""
    lane.add(hold(1))
    _permitted(lane, clock, 1)
    attempt = lane.take_nowait()
    assert await lane.renew(attempt)
    clock.now += lane.settings.permit_window
    assert not await lane.renew(attempt)
    assert (lane.waiting, len(lane.flying)) == (1, 0)
    assert lane.more.is_set()


def test_outcomes_leave_the_lane(lane, clock, hold, ends) -> None:
    """What has an outcome is passed on, and isn't held any more."""
    lane.add(hold(1))
    _permitted(lane, clock, 1)
    attempt = lane.take_nowait()
    lane.settle(attempt, OK)
    assert [outcome for _, outcome in ends.outcomes] == [OK]
    assert lane.holding == 0


def test_a_long_rest_gives_all_back(lane, clock, hold, ends, monkeypatch) -> None:
    """A relay that stays down doesn't keep what others may send, or what must wait elsewhere."""
    monkeypatch.setattr(lane.ease, "_clock", clock.monotonic)
    lane.add(hold(20))
    for _ in range(3):
        _permitted(lane, clock, 1)
        lane.settle(lane.take_nowait(), DOWN)
        assert not ends.back
        clock.now += lane.ease.left
    _permitted(lane, clock, 2)
    lane.settle(lane.take_nowait(), DOWN)
    assert lane.holding == 0
    assert [held.asked for held in ends.back] == [True] + [False] * 15
    assert not lane.wants(1)
    clock.now += lane.ease.left
    assert lane.wants(1)


async def test_a_change_ends_a_long_rest(lane, clock, hold, monkeypatch) -> None:
    """Whoever waits out a relay's minute goes on when its transport is changed, and may claim."""
    monkeypatch.setattr(lane.ease, "_clock", clock.monotonic)
    for _ in range(8):
        lane.add(hold(1))
        _permitted(lane, clock, 1)
        lane.settle(lane.take_nowait(), WRONG_PASSWORD)
        clock.now += lane.ease.left
    lane.add(hold(1))
    _permitted(lane, clock, 1)
    lane.settle(lane.take_nowait(), WRONG_PASSWORD)
    assert lane.ease.left == 60.0
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        waiting = group.create_task(lane.rested())
        await asyncio.sleep(0)
        assert not waiting.done()
        assert not lane.wants(1)
        lane.change(lane.lane)
    assert lane.wants(1)


def test_a_closed_lane_gives_nothing(lane, clock, hold, ends) -> None:
    """After the end nothing is taken or wanted, and all that didn't start goes back."""
    lane.add(hold(3))
    _permitted(lane, clock, 1)
    lane.close()
    assert lane.take_nowait() is None
    assert not lane.wants(1)
    lane.give_back()
    assert sorted(held.id for held in ends.back) == [0, 1, 2]


@pytest.mark.parametrize("number", [0, 1, 7])
def test_put_back_keeps_the_order(lane, hold, number: int) -> None:
    """What is put back stands before what waits, as it was."""
    lane.add(hold(9))
    lane.refuse(lane.next_asks(number))
    assert [held.id for held in lane.next_asks(9)] == list(range(9))


def test_a_permit_goes_to_the_end_of_a_batch(lane, hold) -> None:
    """If that is near: the next one then waits for nobody who settles what has started of it."""
    lane.add(hold(30) + hold(30))
    assert len(lane.next_asks(20)) == 20
    lane.refuse([])
    assert len(lane.next_asks(5, to_end=True)) == 10
    lane.refuse([])
    assert len(lane.next_asks(10, to_end=True)) == 10
