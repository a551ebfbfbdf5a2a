"""Exit codes."""

import pytest

from daemon.process import ends


@pytest.mark.parametrize(
    ("codes", "code"),
    [([0, 0], 0), ([], 0), ([0, 75], 75), ([1, 0], 1), ([75, 70], 70), ([0, -9], 70), ([2], 70)],
)
def test_the_worst_of_several(codes: list[int], code: int) -> None:
    """Whoever stops several processes hears of the gravest of their ends."""
    assert ends.worst(codes) == code
