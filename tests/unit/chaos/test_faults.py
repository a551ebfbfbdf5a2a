"""The list of faults that a seed makes, and the deaths of the matrix."""

import itertools

import pytest

from tests.chaos import faults, matrix
from tests.chaos.faults import INSTANCES, WAYS
from tests.chaos.points import Mode, Position


def test_a_seed_makes_one_list() -> None:
    """The same seed gives the same faults, pauses included; another one gives others."""
    first, again, other = (list(itertools.islice(faults.drawn(seed), 200)) for seed in (7, 7, 8))
    assert first == again != other


def test_everything_happens() -> None:
    """In the long run every fault of the catalogue is drawn, and no two at once at one place."""
    steps = list(itertools.islice(faults.drawn(1), 3000))
    happened = {(fault.kind, fault.target) for step in steps for fault in step.faults}
    for kind in ("kill", "freeze", "stop", "reload"):
        assert {target for what, target in happened if what == kind} >= set(INSTANCES)
    for kind in ("latency", "cut", "silence", "reset"):
        assert {target for what, target in happened if what == kind} == set(WAYS)
    assert len({kind for kind, _ in happened}) == 15
    for step in steps:
        places = [fault.target.rpartition("-")[2] for fault in step.faults]
        assert len(places) == len(set(places))


def test_the_matrix_is_whole() -> None:
    """Every point dies at three positions in both modes; doubts under both policies."""
    deaths = [death for point in matrix.chosen([]) for death in matrix.of(point)]
    assert len(deaths) == 3 * 2 * (len(matrix.chosen([])) + 2)
    assert {(death.position, death.mode) for death in deaths} == set(
        itertools.product(Position, Mode)
    )
    with pytest.raises(ValueError, match="no such point"):
        matrix.chosen(["C99"])
