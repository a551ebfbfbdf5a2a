"""The edge: what was typed becomes a command, what went wrong a line and an exit code."""

import logging
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from cyclopts import App, CycloptsError, Group

from daemon.cli import commands
from daemon.cli.commands import Command
from daemon.cli.exits import Exit

NAME = "deliveryd"
_FLAGS = frozenset({"--json", "--quiet", "-q"})
_WITH_VALUE = frozenset({"--config", "--set"})
"""Options of every command (see `options`); they may stand before its name, too."""


def run(arguments: Sequence[str]) -> int:
    """One command, from what was typed to its exit code. Never raises but for `SystemExit`."""
    # what went wrong we say ourselves, once; the daemon gives the libraries' remarks a form
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        return int(_called(ordered(arguments)) or Exit.OK)
    except CycloptsError as error:
        return _told(Exit.USAGE, [f"{error} Try: {NAME} --help".replace("\n", " ")])
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return _unheard()
    except Exception as error:  # noqa: BLE001 - the edge: nobody above would tell of it
        from daemon.cli import faults  # noqa: PLC0415 - it knows every room, and costs as much

        return _told(*faults.explain(error))


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
    """All commands. Only the module of the one that is called is imported, and tells of itself."""
    root = App(
        name=NAME,
        help="Event-driven mail delivery: requests from RabbitMQ, mail by SMTP, events back.",
        help_epilogue="Exit codes: 0 done, 1 no, 2 usage, 65 data, 69 unavailable, 70 our fault,"
        " 75 later, 78 configuration, 130 interrupted.",
        help_format="plaintext",
        help_formatter="default" if sys.stdout.isatty() else "plain",
        version=lambda: metadata.version(NAME),
        group_commands=Group("Help", sort_key=len(commands.GROUPS)),
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


def _called(arguments: Sequence[str]) -> Any:
    root = app(arguments)
    return root(arguments, exit_on_error=False, print_error=False, result_action="return_value")


def _add(parent: App, name: str, command: Command, **more: Any) -> None:
    if command.is_foreign:
        more |= {"help_flags": (), "version_flags": ()}
    example = f"Example:\n  {NAME} {command.words} {command.example}"
    place = f"daemon.cli.{command.place}"
    parent.command(place, name=name, help_epilogue=example, **more)


def _told(code: Exit, lines: Sequence[str]) -> Exit:
    for line in lines:
        for part in line.splitlines():
            sys.stderr.write(f"{NAME}: {part}\n")
    return code


def _unheard() -> Exit:
    """Whoever read our output has left, as `head` does; nothing more may be written to it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.FAILED
