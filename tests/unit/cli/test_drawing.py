"""Tables on a terminal of 80 columns: nothing is cut off, and no id is broken into pieces."""

from io import StringIO

import pytest

from daemon.cli import drawing
from daemon.cli.blocks import Bar, Block, Table, Tone, Toned

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


def coloured(block: Block, monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """What a terminal with colours gets."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color", **environment}.items():
        monkeypatch.setenv(name, value)
    out = StringIO()
    drawing.draw([block], out)
    return out.getvalue()


def test_colours_obey_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tone is a colour on a terminal, and none with NO_COLOR."""
    gone = Toned("gone", Tone.BAD)
    assert "\x1b[1;31mgone" in coloured(gone, monkeypatch)
    assert "31m" not in coloured(gone, monkeypatch, NO_COLOR="1")


def test_a_bar_is_read_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done and what isn't differ in more than their colour; numbers stand at the right."""
    monkeypatch.setenv("NO_COLOR", "1")
    table = Table(head=("progress", "left"), rows=[(Bar(0.5, 4), 5)], numbers={"left"})
    assert drawn(table)[-1] == "━━──  50%     5"
