"""Standard output: one JSON document, or text; rich draws it when it is a terminal."""

import sys
from collections.abc import Iterable
from typing import Any, TextIO

import orjson

from daemon.cli import blocks
from daemon.cli.blocks import Block
from daemon.cli.options import Options


class Screen:
    """Where a command shows what it found, in the form that was asked for."""

    def __init__(self, options: Options, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._options = options

    @property
    def is_terminal(self) -> bool:
        """Whether somebody sees what is drawn over again."""
        return self.talks and self._out.isatty()

    @property
    def talks(self) -> bool:
        """Whether what happens meanwhile may be shown: not beside one document, not when quiet."""
        return not (self._options.json or self._options.quiet)

    def show(self, document: Any, view: Iterable[Block]) -> None:
        """The whole of what was found: the document for programs, the view for people."""
        if self._options.quiet:
            return
        if self._options.json:
            self._say(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        elif self._out.isatty():
            from daemon.cli import drawing  # noqa: PLC0415 - rich: only terminals wait for it

            drawing.draw(view, self._out)
        else:
            for line in blocks.lines(view):
                self._say(line)

    def next(self, document: Any, view: Iterable[Block]) -> None:
        """One of several looks at the same thing: a document a line, or the text again."""
        if self._options.json:
            self.entry(document, "")
        else:
            self.show(document, [*view, ""])

    def entry(self, document: Any, line: str) -> None:
        """One of many that come one after the other: a line each, JSON or text."""
        if not self._options.quiet:
            as_json = self._options.json
            self._say(orjson.dumps(document).decode() if as_json else blocks.cell(line))

    def _say(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()
