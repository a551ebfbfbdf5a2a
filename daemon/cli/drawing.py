"""The same blocks on a terminal, drawn by rich; imported only for one. rich obeys NO_COLOR.

No id is broken into pieces, since people copy ids: a table too wide for the terminal is shown row
by row, each as facts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from daemon.cli import blocks
from daemon.cli.blocks import Bar, Block, Facts, Row, Table, Tone, Toned

_GAP = 2
"""Columns of the terminal between two of a table."""
_BAR, _LEFT = "━", "─"
"""Of a bar: what is done and what isn't, different without colours too."""
_LAST = 16
"""The last column may break words, and get as narrow as this: it holds what servers said."""


_STYLES: Mapping[Tone, str] = MappingProxyType(
    {Tone.GOOD: "green", Tone.BAD: "bold red", Tone.HELD: "yellow", Tone.FAINT: "dim"}
)


def draw(view: Iterable[Block], out: TextIO) -> None:
    """Blocks one below the other, as wide as the terminal."""
    console = Console(file=out, highlight=False)
    for part in parts(view, console.width):
        console.print(part)


def parts(view: Iterable[Block], room: int) -> Iterator[RenderableType]:
    """The same as what rich prints, within so much room."""
    before: Block | None = None
    for block in view:
        if blocks.are_apart(before, block):
            yield Text()
        yield _drawn(block, room)
        before = block


def fitted(rows: Sequence[Row], room: int) -> list[int] | None:
    """How wide each column is within so much room; None if a word would have to be broken."""
    columns = [[blocks.cell(value) for value in column] for column in zip(*rows, strict=True)]
    widths = [max(map(cell_len, column)) for column in columns]
    least = [
        max(cell_len(word) for text in column for word in [*text.split(), ""]) for column in columns
    ]
    least[-1] = min(least[-1], _LAST)
    excess = sum(widths) + _GAP * (len(widths) - 1) - room
    for place in reversed(range(len(widths))):
        taken = max(0, min(excess, widths[place] - least[place]))
        widths[place] -= taken
        excess -= taken
    return widths if excess <= 0 else None


def _drawn(block: Block, room: int) -> RenderableType:
    match block:
        case str() | Toned():
            return _text(block)
        case Facts():
            return _facts(block)
        case Table(rows=[]):
            return _text(block.empty)
        case Table():
            widths = fitted([block.head, *block.rows], room)
            return _table(block, widths) if widths else _row_by_row(block)


def _facts(block: Facts) -> Grid:
    grid = Grid(box=None, show_header=False, pad_edge=False)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return _filled(grid, blocks.shown(block))


def _table(block: Table, widths: Sequence[int]) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name, width, is_right in zip(block.head, widths, block.at_right, strict=True):
        side: JustifyMethod = "right" if is_right else "left"
        grid.add_column(_text(name), width=width, overflow="fold", justify=side)
    return _filled(grid, block.rows)


def _row_by_row(block: Table) -> Group:
    shown: list[RenderableType] = []
    for row in block.rows:
        shown += [_facts(Facts(rows=list(zip(block.head, row, strict=True)))), Text()]
    return Group(*shown[:-1])


def _filled(grid: Grid, rows: Iterable[Row]) -> Grid:
    for row in rows:
        grid.add_row(*(_text(value) for value in row))
    return grid


def _text(value: object) -> Text:
    """As it is: rich would read markup in what strangers wrote."""
    match value:
        case Toned():
            return Text(blocks.cell(value), style=_STYLES[value.tone])
        case Bar():
            return _bar(value)
        case _:
            return Text(blocks.cell(value))


def _bar(bar: Bar) -> Text:
    """As wide as its plain form."""
    done = Text(_BAR * bar.filled, style="green" if bar.share >= 1 else "cyan")
    left = _LEFT * (bar.width - bar.filled)
    return Text.assemble(done, (left, "dim"), f" {bar.percent}")
