"""What is promised is held against a result of the full size, and only then."""

import pytest

from tests.bench import campaign
from tests.bench.case import Size
from tests.bench.cases import CASES, SOURCES
from tests.unit.bench.results import result

BY_NAME = {case.name: case for case in CASES}


def test_all_four_are_there() -> None:
    """By the names that are typed."""
    assert set(BY_NAME) == {"campaign", "requests", "urgent", "memory"}


@pytest.mark.parametrize(("name", "least"), [("campaign", 0.40), ("requests", 0.15)])
def test_a_ratio_below_the_least_is_a_shortfall(name: str, least: float) -> None:
    """Just below it is, just above it isn't."""
    case = BY_NAME[name]
    size = Size(recipients=case.recipients)
    rate = result().run.rate
    below, above = rate / (least - 0.01), rate / (least + 0.01)
    assert len(case.shortfall(result(before=below, after=below), size)) == 1
    assert not case.shortfall(result(before=above, after=above), size)


def test_a_small_run_falls_short_of_nothing() -> None:
    """Its start would weigh too much."""
    slow = result(before=1e6, after=1e6)
    assert not BY_NAME["campaign"].shortfall(slow, Size(recipients=500))


@pytest.mark.parametrize(
    ("small", "large", "flaws"),
    [(80, 92, 0), (80, 93, 1), (190, 199, 0), (190, 200, 1), (80, 250, 2)],
)
def test_memory_hardly_grows_and_stays_small(small: int, large: int, flaws: int) -> None:
    """Within 15 % of that of a tenth, and below 200 MB."""
    run = result(rss=large * 2**20, own={"smaller_rss_mb": small})
    assert len(campaign.frugal(run)) == flaws


@pytest.mark.parametrize(
    ("share", "reference", "flaws"),
    [(0.96, 4_900, 0), (0.94, 4_900, 1), (0.96, 5_100, 1), (0.5, 9_000, 2)],
)
def test_a_list_is_as_fast_as_frames(share: float, reference: float, flaws: int) -> None:
    """Of what is found in the directory both are promised: the ratio, and the rate of frames."""
    case = SOURCES["directory"]
    found = result(before=reference, after=reference, own={"of_frames": share})
    assert len(case.shortfall(found, Size(recipients=case.recipients))) == flaws
