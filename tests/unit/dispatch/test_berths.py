"""The instance's own cap: nobody passes it, and nobody keeps another from a turn for ever."""

from dataclasses import replace

import pytest

from daemon.dispatch.berths import TURN, Berths
from daemon.dispatch.lane import Lane
from tests.unit.dispatch.conftest import SETTINGS, Clock, Composer, Ends


@pytest.fixture
def two(lane: Lane) -> tuple[Lane, Lane]:
    """Two lanes."""
    at = replace(lane.lane, id=2)
    other = Lane(at, SETTINGS, composer=Composer(), ends=Ends(), hungry=lambda: None)
    other.granted = 10
    return lane, other


def made(limit: int, lanes: tuple[Lane, Lane], clock: Clock) -> Berths:
    """Places for two lanes, some time after the last turn."""
    berths = Berths(limit, lambda: lanes, clock=clock.monotonic)
    clock.now += TURN
    return berths


def taken(berths: Berths, lane: Lane, number: int) -> int:
    """How many of so many places a lane gets."""
    got = sum(berths.take(lane) for _ in range(number))
    lane.workers += got
    return got


def test_a_busy_lane_gives_one_up(two, clock) -> None:
    """Who has all the places is asked for one when another lane has none, once in a turn."""
    busy, other = two
    berths = made(5, two, clock)
    assert taken(berths, busy, 7) == 5
    clock.now += TURN
    for _ in range(3):
        assert not berths.take(other)
    assert busy._dismissed == 1
    busy.lost()
    berths.leave()
    assert other.more.is_set()
    assert taken(berths, other, 1) == 1


def test_who_stands_in_line_is_served_first(two, clock) -> None:
    """A place that is given back isn't taken by the lane that gave it up."""
    busy, other = two
    berths = made(1, two, clock)
    assert taken(berths, busy, 1) == 1
    assert not berths.take(other)
    busy.lost()
    berths.leave()
    assert not berths.take(busy)
    assert berths.take(other)


def test_whoever_wants_no_more_blocks_nobody(two, clock) -> None:
    """A lane that has nothing to send any more leaves the line."""
    busy, other = two
    berths = made(1, two, clock)
    assert taken(berths, busy, 1) == 1
    assert not berths.take(other)
    berths.stand_back(other)
    busy.lost()
    berths.leave()
    assert berths.take(busy)


def test_an_even_share_is_left_alone(two, clock) -> None:
    """Two lanes with as many connections each don't ask each other to leave."""
    one, other = two
    berths = made(4, two, clock)
    assert taken(berths, one, 2) == taken(berths, other, 2) == 2
    clock.now += TURN
    assert not berths.take(one)
    assert not berths.take(other)
    assert (one._dismissed, other._dismissed) == (0, 0)


async def test_a_dismissed_connection_carries_no_more(lane, hold, clock) -> None:
    """Between two messages it closes, though there is more to carry; the lane goes on."""
    lane.workers = 2
    waiting = hold(2)
    for each in waiting:
        each.until = clock.now + 1
    lane.permit(waiting)
    lane.dismiss()
    assert lane.take_nowait() is None
    assert await lane.take() is None
    lane.lost()
    assert lane.take_nowait() is not None
