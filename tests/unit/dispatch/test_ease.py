"""Ease: a relay in trouble is left alone for longer and longer, and probed."""

import pytest

from daemon.dispatch.ease import FIRST_REST, LONGEST_FOR_A_PERSON, LONGEST_REST, Ease

DOWN, WELL = "no connection", ""


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time of the test."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time of the test."""
    return Clock()


@pytest.fixture
def ease(clock: Clock) -> Ease:
    """A relay that has been well so far."""
    return Ease(clock)


def test_a_relay_that_is_well_is_used(ease: Ease) -> None:
    """Without a fault there is no rest and no probing."""
    ease.learn(WELL)
    assert (ease.is_resting, ease.is_probing, ease.left) == (False, False, 0.0)


@pytest.mark.parametrize(
    ("wants_person", "expected"),
    [
        (False, [FIRST_REST, 1.0, 2.0, 3.0, 3.0, LONGEST_REST]),
        (True, [FIRST_REST, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, LONGEST_FOR_A_PERSON]),
    ],
)
def test_each_fault_doubles_the_rest(
    ease: Ease, clock: Clock, wants_person: bool, expected: list[float]
) -> None:
    """Rests grow from half a second to a few, to a minute for a person's sake, and not beyond."""
    rests = []
    for _ in expected:
        ease.learn(DOWN, wants_person=wants_person)
        rests.append(ease.left)
        clock.now += ease.left
        assert not ease.is_resting
        assert ease.is_probing
    assert rests == expected


def test_what_was_flying_counts_once(ease: Ease, clock: Clock) -> None:
    """A hundred connections that fail together are one fault, not a hundred."""
    for _ in range(100):
        ease.learn(DOWN)
        clock.now += 0.001
    assert ease.faults == 1
    assert ease.left == pytest.approx(FIRST_REST - 0.1)


def test_a_change_ends_the_rest(ease: Ease, clock: Clock) -> None:
    """Whoever has mended something is believed at once, by one delivery at a time."""
    for _ in range(8):
        ease.learn(DOWN, wants_person=True)
        clock.now += ease.left
    ease.learn(DOWN, wants_person=True)
    ease.end_rest()
    assert (ease.is_resting, ease.is_probing, ease.ailment) == (False, True, "")
    ease.learn(DOWN, wants_person=True)
    assert ease.left == FIRST_REST


def test_one_success_ends_it(ease: Ease, clock: Clock) -> None:
    """The first outcome that doesn't blame the relay ends rest and probing, and forgets both."""
    for _ in range(5):
        ease.learn(DOWN)
        clock.now += ease.left
    ease.learn(DOWN)
    assert (ease.is_resting, ease.ailment) == (True, DOWN)
    ease.learn(WELL)
    assert (ease.is_resting, ease.is_probing, ease.ailment) == (False, False, "")
    ease.learn(DOWN)
    assert ease.left == FIRST_REST
