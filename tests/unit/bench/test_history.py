"""Earlier runs are kept, and shown as ratios."""

from datetime import UTC, datetime
from pathlib import Path

from tests.bench import history
from tests.unit.bench.results import result

AT = datetime(2030, 6, 1, 12, 30, 15, tzinfo=UTC)


def test_what_was_kept_is_found_again(tmp_path: Path) -> None:
    """With when, what was measured, and its whole document."""
    path = tmp_path / "deep" / "history.jsonl"
    history.add(path, result(), commit="abc1234", at=AT)
    history.add(path, result(before=1000, after=2000), commit="abc1234+", at=AT)
    first, second = history.earlier(path)
    assert first["at"] == "2030-06-01T12:30:15+00:00"
    assert first | result().document == first
    assert (first["is_void"], second["is_void"]) == (False, True)


def test_one_case_can_be_asked_for(tmp_path: Path) -> None:
    """The others are left out."""
    path = tmp_path / "history.jsonl"
    history.add(path, result(), commit="abc1234", at=AT)
    assert len(history.earlier(path, "campaign")) == 1
    assert history.earlier(path, "requests") == []


def test_nothing_kept_is_nothing_shown(tmp_path: Path) -> None:
    """But the head of the table."""
    assert len(history.table(history.earlier(tmp_path / "none")).splitlines()) == 1


def test_ratios_are_bars_and_a_void_one_is_none(tmp_path: Path) -> None:
    """2,000 recipients/s beside 5,000 mails/s: sixteen of forty characters."""
    path = tmp_path / "history.jsonl"
    history.add(path, result(), commit="abc1234", at=AT)
    history.add(path, result(before=1000, after=2000), commit="abc1234", at=AT)
    _, good, void = history.table(history.earlier(path)).splitlines()
    assert good.split()[-2:] == ["0.400", "▇" * 16]
    assert good.startswith("2030-06-01 12:30 abc1234")
    assert void.endswith("void")


def test_what_isnt_judged_by_its_ratio_says_more(tmp_path: Path) -> None:
    """Delays of urgent requests, memory of two campaigns."""
    path = tmp_path / "history.jsonl"
    history.add(path, result(own={"median_ms": 20.0, "p99_ms": 70.5}), commit="a", at=AT)
    history.add(path, result(own={"smaller": 1, "smaller_rss_mb": 78.0}), commit="a", at=AT)
    _, urgent, memory = history.table(history.earlier(path)).splitlines()
    assert urgent.endswith("median 20 ms, p99 70.5 ms")
    assert memory.endswith("78 and 80 MB")
