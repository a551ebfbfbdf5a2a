"""`deliveryd --help`: the table of contents on one page; and what else needs no parser.

It imports nothing that takes time, since it is what people type first, and shells at every start.
"""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

from daemon.cli import commands, shipped
from daemon.cli.commands import NAME
from daemon.cli.exits import Exit

ABOUT = "Event-driven mail delivery: requests from RabbitMQ, mail by SMTP, events back."
_ASKED: tuple[list[str], ...] = ([], ["--help"], ["-h"])
_VERSION = ["--version"]
_BOLD, _NAMED, _PLAIN = "\x1b[1m", "\x1b[36m", "\x1b[0m"
_LONGEST = 36
"""Characters of names that have what they do beside them; below longer ones it stands."""
WIDEST = 100
"""Columns: longer lines are harder to read."""


def asked(arguments: Sequence[str]) -> str | None:
    """The text that was asked for; None when it is a command that was typed."""
    if list(arguments) == _VERSION:
        return version() + "\n"
    if list(arguments) in _ASKED:
        return "\n".join(lines(width(), colour=_has_colour())) + "\n"
    return shipped.asked(list(arguments))


def width() -> int:
    """How wide a page is here."""
    return min(WIDEST, shutil.get_terminal_size().columns)


def version() -> str:
    """The version that is installed."""
    from importlib import metadata  # noqa: PLC0415 - it costs as much as the whole page

    return metadata.version(NAME)


def lines(columns: int, *, colour: bool) -> Iterator[str]:
    """The page, so many columns wide."""
    entries = {group: _entries(group) for group in commands.GROUPS}
    longest = max(len(names) for group in entries.values() for names, _ in group)
    room = min(longest, _LONGEST)
    yield f"Usage: {NAME} COMMAND [OPTIONS]"
    yield ""
    yield from textwrap.wrap(ABOUT, columns)
    for group, rows in entries.items():
        yield ""
        yield f"{_BOLD}{group}{_PLAIN}" if colour else group
        for names, about in rows:
            yield from _entry(names, about, room, columns, colour=colour)
    yield ""
    yield from textwrap.wrap(_EVERY, columns)
    yield ""
    yield from textwrap.wrap(codes(), columns)


def codes() -> str:
    """The exit codes in a sentence."""
    return f"Exit codes: {', '.join(f'{code.value} {word}' for code, word in WORDS.items())}."


_EVERY = (
    f"{NAME} COMMAND --help shows its options and an example. Every command takes --config FILE,"
    " --set section.key=value, --json and --quiet; colours obey NO_COLOR."
)
WORDS = {
    Exit.OK: "done",
    Exit.FAILED: "no",
    Exit.USAGE: "usage",
    Exit.DATA: "data",
    Exit.UNAVAILABLE: "unavailable",
    Exit.SOFTWARE: "our fault",
    Exit.TEMPORARY: "later",
    Exit.CONFIG: "configuration",
    Exit.INTERRUPTED: "interrupted",
}
"""An exit code in a word."""


def _entries(group: str) -> list[tuple[str, str]]:
    """The names of a group with what they do; those of a family in one line."""
    rows: dict[str, tuple[str, str]] = {}
    for command in commands.ALL:
        first, _, second = command.words.partition(" ")
        if second and commands.FAMILIES[first][0] == group:
            names = f"{rows[first][0]}|{second}" if first in rows else command.words
            rows[first] = names, commands.FAMILIES[first][1]
        elif not second and command.group == group:
            rows[first] = first, command.does
    return list(rows.values())


def _entry(names: str, about: str, room: int, columns: int, *, colour: bool) -> Iterator[str]:
    """One entry: its names, and beside them what it does, in as many lines as that takes."""
    shown = f"{_NAMED}{names}{_PLAIN}" if colour else names
    first, *more = textwrap.wrap(about, max(20, columns - room - 4))
    if len(names) > room:
        yield f"  {shown}"
        more.insert(0, first)
    else:
        yield f"  {shown}{' ' * (room - len(names))}  {first}"
    for line in more:
        yield f"  {' ' * room}  {line}"


def _has_colour() -> bool:
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not is_plain
