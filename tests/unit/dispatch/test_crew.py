"""A crew: who may be taken by his accept, and goes past nobody."""

from typing import Any, cast
from uuid import uuid4

import pytest

from daemon.dispatch.berths import Berths
from daemon.dispatch.brake import Brake
from daemon.dispatch.crew import Crew, Shared

_UNUSED = cast("Any", None)


@pytest.fixture
def why() -> list[str]:
    """Why nothing may start; empty = it may."""
    return [""]


@pytest.fixture
def crew(lane, why: list[str]) -> Crew:
    """One that has its connections, and nothing to do yet."""
    shared = Shared(
        store=_UNUSED,
        instance=uuid4(),
        endings=_UNUSED,
        berths=Berths(10, lambda: ()),
        brake=Brake({"test": lambda: why[0]}),
    )
    return Crew(lane, _UNUSED, shared)


def test_nobody_is_taken_past_those_who_wait_here(crew, lane, hold) -> None:
    """Claimed ones without a permit go first within their class, and keep no other class back."""
    assert crew.room(1) > 0
    lane.add(hold(1, klass=1))
    assert crew.room(1) == 0
    assert crew.room(0) > 0


def test_as_many_are_taken_as_could_start(crew, lane, clock, hold) -> None:
    """Those who are ready come first: there is room for what connections are left."""
    lane.add(hold(4, klass=1))
    asked = lane.next_asks(4)
    assert crew.room(1) == lane.granted - 4
    for held in asked:
        held.until = clock.now + 1
    lane.permit(asked)
    assert crew.room(1) == lane.granted - 4


def test_nobody_is_taken_where_nothing_may_start(crew, lane, why) -> None:
    """No disk for the journal, others with all the connections, a lane that closes: no room."""
    why[0] = "the disk is full"
    assert crew.room(1) == 0
    why[0] = ""
    lane.deny()
    assert crew.room(1) == 0
    lane.grant(10)
    assert crew.room(1) > 0
    lane.close()
    assert crew.room(1) == 0
