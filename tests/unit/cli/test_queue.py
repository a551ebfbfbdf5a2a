"""The shape of the queue: every row adds up."""

from daemon.cli import blocks, queue
from daemon.store.overviews import Shape

FOUND = Shape(
    domains={"b.example": {0: 5, 9: 1}, "a.example": {-1: 10}},
    everything={-1: 10, 0: 7, 9: 1},
)


def test_rows_add_up() -> None:
    """All comes first, then the domains with the most of it; what isn't shown is one row more."""
    rows = queue.table(FOUND).rows
    assert [row[:3] for row in rows] == [
        ("TOTAL", 18, 10), ("a.example", 10, 10), ("b.example", 6, 0), ("others", 2, 0),
    ]  # fmt: skip
    assert all(sum(map(int, map(str, row[2:]))) == row[1] for row in rows)


def test_spans_have_names() -> None:
    """For programs each span is called by its end, the last one by where it begins."""
    document = queue.document(FOUND)
    assert document["total"] == {
        "total": 18, "later": 10, "5": 7, "10": 0, "20": 0, "40": 0, "80": 0, "160": 0,
        "320": 0, "640": 0, "1280": 0, "1280+": 1,
    }  # fmt: skip


def test_nothing() -> None:
    """An empty queue is a line."""
    empty = queue.table(Shape(domains={}, everything={}))
    assert list(blocks.lines([empty])) == ["nothing waits"]
