"""The parser: what was typed becomes a call of the one function that was meant.

Only its module is imported, and tells of itself: its signature is its options, its docstring its
help.
"""

import difflib
import importlib
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cyclopts import App, CycloptsError, Group

from daemon.cli import commands, overview
from daemon.cli.commands import NAME, Command
from daemon.cli.exits import Ended, Exit

if TYPE_CHECKING:
    from cyclopts.help.protocols import HelpFormatter

_FLAGS = frozenset({"--json", "--quiet", "-q"})
_WITH_VALUE = frozenset({"--config", "--set"})
"""Options of every command (see `options`); they may stand before its name, too."""


def called(arguments: Sequence[str]) -> Any:
    """What the command that was typed answers. `Ended` when it is none."""
    typed = ordered(arguments)
    if not typed[0].startswith("-"):
        _known(typed[0])
    try:
        return app(typed)(
            typed, exit_on_error=False, print_error=False, result_action="return_value"
        )
    except CycloptsError as error:
        raise Ended(f"{error} Try: {_help(typed)}".replace("\n", " "), Exit.USAGE) from None


def ordered(arguments: Sequence[str]) -> list[str]:
    """The command first, then the options that were typed before it, then everything else."""
    rest, early = list(arguments), []
    while rest and rest[0].partition("=")[0] in _FLAGS | _WITH_VALUE:
        count = 2 if rest[0] in _WITH_VALUE else 1
        early += rest[:count]
        del rest[:count]
    words = 2 if rest and rest[0] in commands.FAMILIES else 1
    return [*rest[:words], *early, *rest[words:]]


def app(arguments: Sequence[str] = ()) -> App:
    """All commands, by their names in the table of contents."""
    root = App(
        name=NAME,
        help=overview.ABOUT,
        help_format="plaintext",
        help_formatter=_pages(arguments),
        group_arguments=Group("Arguments", sort_key=0),
        group_parameters=Group("Options", sort_key=1),
        version=overview.version,
        group_commands=Group("More", sort_key=len(commands.GROUPS)),
    )
    groups = {name: Group(name, sort_key=place) for place, name in enumerate(commands.GROUPS)}
    families = {
        name: App(name=name, help=about, group=groups[group], group_commands=Group("Commands"))
        for name, (group, about) in commands.FAMILIES.items()
    }
    for family in families.values():
        root.command(family)
    for command in commands.ALL:
        first, _, second = command.words.partition(" ")
        words = [word for word in (first, second) if word]
        about = None if list(arguments[: len(words)]) == words else command.does
        if second:
            _add(families[first], second, command, help=about)
        else:
            _add(root, first, command, help=about, group=groups[command.group])
    return root


def function(command: Command) -> Callable[..., Any]:
    """The function that is called for it; imports its module."""
    module, name = command.place.split(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f"daemon.cli.{module}"), name)
    return found


def _pages(arguments: Sequence[str]) -> "HelpFormatter | None":
    """Who lays --help out, where it was asked for."""
    if not {"--help", "-h"}.intersection(arguments) and len(arguments) > 1:
        return None
    from daemon.cli import helping  # noqa: PLC0415 - rich: nobody else waits for it

    return helping.Pages()


def _add(parent: App, name: str, command: Command, **more: Any) -> None:
    if command.is_foreign:
        more |= {"help_flags": (), "version_flags": ()}
    codes = textwrap.fill(overview.codes(), overview.width())
    example = f"Example:\n  {NAME} {command.words} {command.example}\n\n{codes}"
    place = f"daemon.cli.{command.place}"
    parent.command(place, name=name, help_epilogue=example, **more)


def _known(word: str) -> None:
    """`Ended` if no command begins so; the parser would import all of them to say that."""
    names = {command.words.partition(" ")[0] for command in commands.ALL}
    if word not in names:
        near = difflib.get_close_matches(word, sorted(names), n=1)
        meant = f" Is it {near[0]}?" if near else ""
        raise Ended(f"{word} is no command.{meant} Try: {NAME} --help", Exit.USAGE)


def _help(typed: Sequence[str]) -> str:
    """Where whoever typed it reads how it is typed: the longest name that there is."""
    known = {command.words for command in commands.ALL} | set(commands.FAMILIES)
    names = [" ".join(typed[:count]) for count in (2, 1)]
    found = next((name for name in names if name in known), "")
    return " ".join(part for part in (NAME, found, "--help") if part)
