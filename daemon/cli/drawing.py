"""The same blocks on a terminal, drawn by rich; imported only for one. rich obeys NO_COLOR."""

from collections.abc import Iterable
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from daemon.cli import blocks
from daemon.cli.blocks import Block, Facts, Row, Table


def draw(view: Iterable[Block], out: TextIO) -> None:
    """Blocks one below the other, as wide as the terminal."""
    console = Console(file=out, highlight=False)
    for block in view:
        console.print(_drawn(block))


def _drawn(block: Block) -> Text | Grid:
    match block:
        case str():
            return _text(block)
        case Facts():
            return _facts(block)
        case Table(rows=[]):
            return _text(block.empty)
        case Table():
            return _table(block)


def _facts(block: Facts) -> Grid:
    grid = Grid(box=None, show_header=False, pad_edge=False)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    return _filled(grid, blocks.shown(block))


def _table(block: Table) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in block.head:
        grid.add_column(_text(name), overflow="fold")
    return _filled(grid, block.rows)


def _filled(grid: Grid, rows: Iterable[Row]) -> Grid:
    for row in rows:
        grid.add_row(*(_text(value) for value in row))
    return grid


def _text(value: object) -> Text:
    """As it is: rich would read markup in what strangers wrote."""
    return Text(blocks.cell(value))
