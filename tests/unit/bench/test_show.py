"""The table at the end."""

from tests.bench import show
from tests.unit.bench.results import result


def table(**other: object) -> dict[str, str]:
    """Its rows by their names."""
    lines = show.table(result(**other), "ratio at least 0.40", []).splitlines()
    return {line[: show.WIDTH].strip(): line[show.WIDTH :].strip() for line in lines}


def test_it_tells_rate_ratio_and_what_was_asked_for() -> None:
    """The reference stands beside the rate."""
    rows = table(before=4000, after=4400)
    assert rows["recipients/s"] == "2,000"
    assert rows["reference, mails/s"] == "4,000 before, 4,400 after"
    assert rows["ratio"] == "0.476"
    assert rows["asked for"] == "ratio at least 0.40"
    assert rows["CPU µs/recipient, daemon"] == "200"
    assert rows["first mail after"] == "120 ms"


def test_it_says_that_a_run_is_void() -> None:
    """And only then."""
    assert "void for a ratio" in table(before=1000, after=2000)
    assert "void for a ratio" not in table()


def test_no_first_mail_is_no_number() -> None:
    """When the sink took none."""
    assert table(first=None)["first mail after"] == "none came"


def test_flaws_of_the_second_run_are_shown() -> None:
    """As they are."""
    shown = show.table(result(), "", ["2 events came twice"])
    assert shown.endswith("\n2 events came twice")
