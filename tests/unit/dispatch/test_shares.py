"""Shares: turns between classes by weight, and nobody saves them up."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from daemon.dispatch.shares import Shares

WEIGHTS = {0: 8, 1: 4, 2: 1}


def _turns(shares: Shares, number: int, classes: tuple[int, ...] = (0, 1, 2)) -> Counter[int]:
    return Counter(shares.next(classes) for _ in range(number))


def test_each_class_gets_its_share() -> None:
    """While all have something waiting, turns go by weight, whatever stretch one looks at."""
    shares = Shares(WEIGHTS)
    for _ in range(5):
        assert _turns(shares, 13) == {0: 8, 1: 4, 2: 1}


def test_the_most_urgent_begins() -> None:
    """Of those that are equally far the heaviest is next, and nobody when nobody waits."""
    assert Shares(WEIGHTS).next([2, 1, 0]) == 0
    assert Shares(WEIGHTS).next([]) is None


def test_nobody_saves_up_turns() -> None:
    """A class that had nothing for long goes on with its share, not with all that it missed."""
    shares = Shares(WEIGHTS)
    _turns(shares, 1000, (2,))
    assert _turns(shares, 26)[2] in {1, 2}
    _turns(shares, 1000, (0,))
    assert _turns(shares, 26)[0] in {15, 16, 17}


@given(
    st.dictionaries(st.integers(0, 4), st.integers(1, 20), min_size=1),
    st.lists(st.sets(st.integers(0, 4)), max_size=20),
)
def test_nobody_starves(weights: dict[int, int], before: list[set[int]]) -> None:
    """After any history, one round of all the weights serves everybody who waits at least once."""
    shares = Shares(weights)
    for waiting in before:
        shares.next(waiting & set(weights))
    everyone = tuple(weights)
    turns = _turns(shares, sum(weights.values()) + len(weights), everyone)
    assert set(turns) == set(everyone)
