"""Rows a page at a time, and where the next page starts."""

from typing import Any

from daemon.cli.blocks import Block, Table
from daemon.cli.options import Options
from daemon.cli.screen import Screen


def show(
    name: str, documents: list[dict[str, Any]], table: Table, limit: int, options: Options
) -> None:
    """Shows a page of rows; each document is known by what the table's first column is called."""
    more = documents[-1][table.head[0]] if len(documents) == limit else None
    view: list[Block] = [table, *([f"more: --page {more}"] if more else [])]
    Screen(options).show({name: documents, "page": more}, view)
