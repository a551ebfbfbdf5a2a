"""Tables on a terminal of 80 columns: nothing is cut off, and no id is broken into pieces."""

from io import StringIO

import pytest

from daemon.cli import drawing
from daemon.cli.blocks import Block, Table

JOB = "01a212b6-256e-7b9a-a348-32f29bb8e2e9"
ADDRESS = "discard-after-dot-once+two@example.com"
REPLY = "550 5.1.1 <rcpt-550+somebody-with-a-long-name@example.com> No such recipient"


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def drawn(*view: Block) -> list[str]:
    """The lines that a terminal shows."""
    out = StringIO()
    drawing.draw(view, out)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_table_that_fits_has_a_line_for_each_row() -> None:
    """What has room is not wrapped."""
    lines = drawn(Table(head=("job", "state"), rows=[(JOB, "running"), (JOB, "paused")]))
    assert lines[0].split() == ["job", "state"]
    assert lines[2:] == [f"{JOB}  running", f"{JOB}  paused"]


def test_what_a_server_said_gives_way_to_everything_else() -> None:
    """The last column is wrapped, the others stand as they are."""
    lines = drawn(Table(head=("state", "address", "last"), rows=[("bounced", ADDRESS, REPLY)]))
    assert any(ADDRESS in line for line in lines)
    assert max(map(len, lines)) <= 80
    assert "".join(REPLY.split()) in "".join("".join(line[49:].split()) for line in lines[2:])


def test_a_table_with_too_much_for_a_line_is_shown_row_by_row() -> None:
    """Ids can be copied from it, and no line is longer than the terminal is wide."""
    head = ("delivery", "address", "job", "since")
    row = ("10753", ADDRESS, JOB, "2026-11-25 12:37:36Z")
    lines = drawn(Table(head=head, rows=[row, row]))
    facts = [f"{name:<8}  {value}" for name, value in zip(head, row, strict=True)]
    assert lines == [*facts, "", *facts]


def test_blocks_stand_apart_as_they_do_in_a_file() -> None:
    """A blank line goes between a table and a line, none between two lines."""
    lines = drawn("one", "two", Table(head=("a",), rows=[("1",)]), "three")
    assert lines[:3] == ["one", "two", ""]
    assert lines[-2:] == ["", "three"]
