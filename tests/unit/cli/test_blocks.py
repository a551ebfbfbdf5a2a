"""Plain text for people: aligned, one line per row, and safe to show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.cli import blocks
from daemon.cli.blocks import Bar, Facts, Table, Tone, Toned


def _lines(*view: blocks.Block) -> list[str]:
    return list(blocks.lines(view))


def test_columns_stand_below_each_other() -> None:
    """Every column is as wide as its widest cell, and nothing trails behind the last one."""
    table = Table(head=("job", "state"), rows=[("1", "running"), ("1234", None)])
    assert _lines(table) == ["JOB   STATE", "1     running", "1234"]


def test_an_empty_table_says_so() -> None:
    """Nothing found is a sentence, not a lonely head."""
    assert _lines(Table(head=("job",), rows=[], empty="no job")) == ["no job"]


def test_facts_leave_out_what_is_not_there() -> None:
    """A fact without a value isn't shown; a no is one."""
    facts = Facts(rows=[("ticket", "t"), ("name", None), ("note", ""), ("paused", False)])
    assert _lines(facts) == ["ticket  t", "paused  no"]


def test_blocks_are_set_apart() -> None:
    """Lines follow each other; tables and facts have a blank line around them."""
    facts = Facts(rows=[("a", 1)])
    assert _lines("one", "two", facts, "three") == ["one", "two", "", "a  1", "", "three"]


def test_numbers_stand_at_the_right() -> None:
    """A column of numbers is read from its last digit."""
    table = Table(head=("job", "left"), rows=[("a", 5), ("b", "1,000")], numbers={"left"})
    assert _lines(table) == ["JOB   LEFT", "a        5", "b    1,000"]


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0, "....   0%"), (0.5, "##..  50%"), (0.9999, "###.  99%"), (1.0, "#### 100%")],
)
def test_a_bar_is_full_only_at_the_end(share: float, shown: str) -> None:
    """Nobody reads 100 % while something is missing."""
    assert str(Bar(share, 4)) == shown


def test_a_tone_is_no_text() -> None:
    """Where there are no colours a toned text is the text."""
    assert _lines(Toned("gone", Tone.BAD), "next") == ["gone", "next"]


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), min_size=1))
def test_no_text_breaks_the_rows(rows: list[list[str]]) -> None:
    """Whatever a stranger wrote, a row is one line without control characters."""
    shown = _lines(Table(head=("a", "b"), rows=rows))
    assert len(shown) == len(rows) + 1
    assert all(line.isprintable() for line in shown)
