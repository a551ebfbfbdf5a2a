"""Looks that are taken again and again."""

import json
from collections.abc import Awaitable, Callable
from io import StringIO

import pytest

from daemon.cli import looking
from daemon.cli.looking import Look
from daemon.cli.options import Options
from daemon.cli.screen import Screen
from daemon.store import errors


class Terminal(StringIO):
    """Somewhere that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


def taking(*found: Look | Exception) -> Callable[[], Awaitable[Look]]:
    """Answers one after the other."""
    left = list(found)

    async def take() -> Look:
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    return take


def look(number: int, *, is_last: bool = False) -> Look:
    """One look."""
    return Look(document={"number": number}, view=[f"look {number}"], is_last=is_last)


async def test_a_line_of_json_each() -> None:
    """For programs each look is a document in a line, and the last one ends it."""
    out = StringIO()
    take = taking(look(1), look(2, is_last=True), look(3))
    await looking.repeated(take, Screen(Options(json=True), out), every=0)
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [
        {"number": 1},
        {"number": 2},
    ]


async def test_text_each() -> None:
    """Not on a terminal each look is its text again, set apart."""
    out = StringIO()
    await looking.repeated(taking(look(1), look(2, is_last=True)), Screen(Options(), out), every=0)
    assert out.getvalue() == "look 1\n\nlook 2\n\n"


async def test_quiet() -> None:
    """With --quiet only the end is waited for."""
    out = StringIO()
    screen = Screen(Options(quiet=True), out)
    await looking.repeated(taking(look(1), look(2, is_last=True)), screen, every=0)
    assert out.getvalue() == ""


async def test_an_outage_ends_a_script_and_not_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A program is told of an outage at once; a person sees the last look, and that it is old."""
    away = errors.Unavailable("gone")
    with pytest.raises(errors.Unavailable):
        await looking.repeated(taking(look(1), away), Screen(Options(), StringIO()), every=0)
    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    take = taking(look(1), away, look(2, is_last=True))
    await looking.repeated(take, Screen(Options(), out), every=0)
    said = out.getvalue()
    assert "Postgres: gone; this is what was seen before" in said
    assert "look 2" in said
