"""What a command shows a person: lines, facts and tables, laid out as plain text. Pure.

Columns are as wide as their widest cell. Text of strangers is shown without control characters, so
that nobody's name can speak to the terminal.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

Row = Sequence[object]


class Tone(StrEnum):
    """What a text means to whoever looks: a colour on a terminal, nothing elsewhere."""

    GOOD = "good"
    BAD = "bad"
    HELD = "held"
    """It waits for somebody."""
    FAINT = "faint"


@dataclass(frozen=True, slots=True)
class Toned:
    """A text with a tone."""

    text: str
    tone: Tone

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Bar:
    """How far something is, between 0 and 1."""

    share: float
    width: int = 20

    @property
    def filled(self) -> int:
        """Of its width. It is full only once nothing is missing."""
        return int(min(max(self.share, 0.0), 1.0) * self.width)

    @property
    def percent(self) -> str:
        """Four characters; 100 only once nothing is missing."""
        return f"{int(min(max(self.share, 0.0), 1.0) * 100):>3}%"

    def __str__(self) -> str:
        return f"{'#' * self.filled}{'.' * (self.width - self.filled)} {self.percent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a head; an empty one says so in a line."""

    head: tuple[str, ...]
    rows: Sequence[Row]
    empty: str = "nothing"
    numbers: Collection[str] = ()
    """Columns whose values stand at the right."""

    @property
    def at_right(self) -> list[bool]:
        """Whether each column does."""
        return [name in self.numbers for name in self.head]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Names with their values; what is None or empty is left out."""

    rows: Sequence[tuple[str, object]]


Block = str | Toned | Table | Facts
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
    lines = str | Toned
    return before is not None and not (isinstance(before, lines) and isinstance(block, lines))


def laid_out(block: Block) -> Iterator[str]:
    """One block as plain lines."""
    match block:
        case str() | Toned():
            yield cell(block)
        case Table(rows=[]):
            yield block.empty
        case Table():
            head = tuple(name.upper() for name in block.head)
            yield from columns([head, *block.rows], block.at_right)
        case Facts():
            yield from columns(shown(block))


def shown(facts: Facts) -> list[Row]:
    """The facts that there is something to say about."""
    return [(name, value) for name, value in facts.rows if value not in (None, "")]


def columns(rows: Sequence[Row], at_right: Sequence[bool] = ()) -> Iterator[str]:
    """Rows with their columns below each other, two spaces between; some at the right."""
    texts = [[cell(value) for value in row] for row in rows]
    widths = (
        [max(len(row[place]) for row in texts) for place in range(len(texts[0]))] if texts else []
    )
    for row in texts:
        padded = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        for place in (place for place, is_so in enumerate(at_right) if is_so):
            padded[place] = row[place].rjust(widths[place])
        yield "  ".join(padded).rstrip()
