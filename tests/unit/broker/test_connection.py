"""Pauses between tries to connect."""

import itertools
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from daemon.broker import connection


@given(st.randoms(use_true_random=False))
def test_pauses_grow_and_differ(random: Random) -> None:
    """The first try comes soon, none later than five seconds, and no two instances walk in step."""
    waits = list(itertools.islice(connection.pauses(random), 20))
    assert waits[0] <= connection.FIRST_PAUSE
    assert max(waits) <= connection.LONGEST_PAUSE
    assert min(waits[-10:]) >= connection.LONGEST_PAUSE / 2


def test_two_instances() -> None:
    """Instances that lost the same broker don't come back in the same moment."""
    first, second = (list(itertools.islice(connection.pauses(Random(n)), 5)) for n in (1, 2))
    assert not set(first) & set(second)
