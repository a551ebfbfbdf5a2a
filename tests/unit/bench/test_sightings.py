"""Mails are seen in the sink's dumps, each once, whenever it was written."""

from pathlib import Path

from tests.bench.sightings import Sightings


def dump(address: str) -> bytes:
    """As the sink writes it."""
    return b"X-Helo-Args: us\nX-Rcpt-Args: <" + address.encode() + b">\nReceived: ...\n\nHello\n\n"


def test_only_those_that_begin_with_the_word_are_seen(tmp_path: Path) -> None:
    """And files of mails on their way are left alone."""
    (tmp_path / "120000").write_bytes(dump("p1@x.test") + dump("urgent1@x.test"))
    (tmp_path / "12000068f99c7e").write_bytes(dump("urgent2@x.test"))
    seen = Sightings(tmp_path, "urgent")
    seen.look()
    assert set(seen.at) == {"urgent1@x.test"}


def test_an_address_is_seen_though_it_was_written_by_halves(tmp_path: Path) -> None:
    """Between two looks."""
    path, whole = tmp_path / "120000", dump("urgent1@x.test")
    seen = Sightings(tmp_path, "urgent")
    for end in (40, len(whole)):
        path.write_bytes(whole[:end])
        seen.look()
    assert set(seen.at) == {"urgent1@x.test"}


def test_the_first_sight_counts_and_read_files_go(tmp_path: Path) -> None:
    """The last few stay: they may still be written to."""
    seen = Sightings(tmp_path, "urgent")
    (tmp_path / "120000").write_bytes(dump("urgent1@x.test"))
    seen.look()
    first = seen.at["urgent1@x.test"]
    for second in range(1, 6):
        (tmp_path / f"12000{second}").write_bytes(dump(f"urgent{second}@x.test"))
    seen.look()
    assert seen.at["urgent1@x.test"] == first
    assert len(seen.at) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["120003", "120004", "120005"]
