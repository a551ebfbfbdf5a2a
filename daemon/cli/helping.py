"""The --help of one command: laid out as the table of contents is, not in boxes.

cyclopts knows what there is to say and asks for it to be shown; rich obeys NO_COLOR.
"""

from collections.abc import Iterator
from typing import Any

from cyclopts.help import HelpEntry, HelpPanel
from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

WIDEST = 100
"""Columns: longer lines are harder to read."""


class Pages:
    """Shows what cyclopts has to say."""

    def __call__(
        self,
        console: Console,
        options: ConsoleOptions,  # noqa: ARG002 - as cyclopts calls it
        panel: HelpPanel,
    ) -> None:
        """A head, and its entries below each other: names, and beside them what they mean."""
        if not panel.entries:
            return
        console.print()
        console.print(Text(str(panel.title), style="bold"))
        grid = Table.grid(padding=(0, 2), pad_edge=False)
        grid.add_column(no_wrap=True)
        grid.add_column()
        for entry in panel.entries:
            names = ", ".join(entry.display_labels_with_metavar)
            grid.add_row(Text(f"  {names}", style="cyan"), Text(" ".join(_meaning(entry))))
        console.print(grid, width=min(console.width, WIDEST))

    def render_usage(
        self,
        console: Console,
        options: ConsoleOptions,  # noqa: ARG002
        usage: Any,
    ) -> None:
        """How it is typed."""
        console.print(Text(f"Usage: {plain(usage)}", style="bold"), width=WIDEST)

    def render_description(
        self,
        console: Console,
        options: ConsoleOptions,  # noqa: ARG002
        description: Any,
    ) -> None:
        """What it does: paragraphs as wide as the terminal, however they were written down."""
        for paragraph in paragraphs(plain(description)):
            console.print()
            console.print(Text(paragraph), width=min(console.width, WIDEST))


def plain(shown: Any) -> str:
    """The text of something that cyclopts would have shown."""
    inner = getattr(shown, "primary_renderable", shown)
    return str(getattr(inner, "plain", inner or "")).strip()


def paragraphs(text: str) -> Iterator[str]:
    """Each in a line of its own."""
    for paragraph in text.split("\n\n"):
        if paragraph.strip():
            yield " ".join(paragraph.split())


def _meaning(entry: HelpEntry) -> Iterator[str]:
    yield plain(entry.description)
    if entry.choices:
        yield f"One of {', '.join(entry.choices)}."
    if entry.default is not None:
        yield f"Default: {entry.default}."
