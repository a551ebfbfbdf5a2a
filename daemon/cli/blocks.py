"""What a command shows a person: lines, facts and tables, laid out as plain text. Pure.

Columns are as wide as their widest cell. Text of strangers is shown without control characters, so
that nobody's name can speak to the terminal.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Row = Sequence[object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a head; an empty one says so in a line."""

    head: tuple[str, ...]
    rows: Sequence[Row]
    empty: str = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Names with their values; what is None or empty is left out."""

    rows: Sequence[tuple[str, object]]


Block = str | Table | Facts
"""A line, a table, or facts."""


def cell(value: object) -> str:
    """One value as text: a single printable line, empty for None."""
    text = _words(value)
    return "".join(char if char.isprintable() else "?" for char in text)


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def lines(blocks: Iterable[Block]) -> Iterator[str]:
    """Everything as plain lines, blank lines between blocks of several lines."""
    before: Block | None = None
    for block in blocks:
        if are_apart(before, block):
            yield ""
        yield from laid_out(block)
        before = block


def are_apart(before: Block | None, block: Block) -> bool:
    """Whether a blank line goes between two blocks."""
    return before is not None and not (isinstance(before, str) and isinstance(block, str))


def laid_out(block: Block) -> Iterator[str]:
    """One block as plain lines."""
    match block:
        case str():
            yield cell(block)
        case Table(rows=[]):
            yield block.empty
        case Table():
            head = tuple(name.upper() for name in block.head)
            yield from columns([head, *block.rows])
        case Facts():
            yield from columns(shown(block))


def shown(facts: Facts) -> list[Row]:
    """The facts that there is something to say about."""
    return [(name, value) for name, value in facts.rows if value not in (None, "")]


def columns(rows: Sequence[Row]) -> Iterator[str]:
    """Rows with their columns below each other, two spaces between."""
    texts = [[cell(value) for value in row] for row in rows]
    widths = (
        [max(len(row[place]) for row in texts) for place in range(len(texts[0]))] if texts else []
    )
    for row in texts:
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()
