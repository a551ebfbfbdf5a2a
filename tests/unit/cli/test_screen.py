"""One document for programs, text for people, nothing when quiet."""

import json
from io import StringIO

import pytest

from daemon.cli.blocks import Block, Facts, Table
from daemon.cli.options import Options
from daemon.cli.screen import Screen

VIEW: list[Block] = [
    "[bold]a line[/bold]",
    Facts(rows=[("name", "[red]Ann\x1b[0m")]),
    Table(head=("job",), rows=[("1",)]),
]
DOCUMENT = {"name": "Ann"}


class Terminal(StringIO):
    """Somewhere that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


def shown(options: Options, out: StringIO) -> str:
    """What a command leaves on its output."""
    Screen(options, out).show(DOCUMENT, VIEW)
    return out.getvalue()


def test_plain() -> None:
    """Not on a terminal, it is aligned text without any escape."""
    assert shown(Options(), StringIO()).splitlines() == [
        "[bold]a line[/bold]", "", "name  [red]Ann?[0m", "", "JOB", "1",
    ]  # fmt: skip


@pytest.mark.parametrize("out", [StringIO(), Terminal()], ids=["file", "terminal"])
def test_json(out: StringIO) -> None:
    """With --json it is one document, wherever it goes."""
    assert json.loads(shown(Options(json=True), out)) == DOCUMENT


@pytest.mark.parametrize("out", [StringIO(), Terminal()], ids=["file", "terminal"])
def test_quiet(out: StringIO) -> None:
    """With --quiet it is nothing, with --json too."""
    assert shown(Options(quiet=True, json=True), out) == ""


def test_terminal() -> None:
    """On a terminal a table is drawn; what strangers wrote is neither markup nor escape."""
    said = shown(Options(), Terminal())
    assert "[red]Ann?[0m" in said
    assert "[bold]a line[/bold]" in said
    assert "─" in said


def test_entries() -> None:
    """What comes one by one is a line each, as JSON or as text."""
    lines, documents = StringIO(), StringIO()
    Screen(Options(), lines).entry(DOCUMENT, "a\nline")
    Screen(Options(json=True), documents).entry(DOCUMENT, "a line")
    assert lines.getvalue() == "a?line\n"
    assert documents.getvalue() == '{"name":"Ann"}\n'
