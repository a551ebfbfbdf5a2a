"""The manual page and the completions, made of what the commands say of themselves.

They are made beforehand and shipped in `shipped/`, since making them takes longer than anybody
wants to wait at a prompt: `python -m daemon.cli.manual` writes them anew, a test compares.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, cast

from cyclopts import App
from cyclopts.argument import Argument

from daemon.cli import calling, commands, exits, helping, overview, shipped
from daemon.cli.commands import NAME, Command
from daemon.cli.options import Options

_OPTIONS = frozenset(Options.__dataclass_fields__)
_FILES = (
    ("/etc/deliveryd/config.toml", "The configuration, unless --config or $DELIVERYD_CONFIG."),
    ("/etc/deliveryd/conf.d/*.toml", "More of it, beside that file, in the order of their names."),
)
_ENVIRONMENT = (
    ("DELIVERYD_CONFIG", "The configuration file."),
    (
        "DELIVERYD_SECTION__KEY",
        "A value for one key; with _FILE behind it, the file that holds it.",
    ),
    ("NO_COLOR", "No colours, whatever its value."),
)


def everything() -> dict[str, str]:
    """Each shipped file by its name."""
    app = calling.app()
    shells = {
        name: app.generate_completion(prog_name=NAME, shell=cast("Literal['bash']", shell))
        for shell, name in shipped.SHELLS.items()
    }
    return {**shells, shipped.MANUAL: "\n".join(page(app)) + "\n"}


def page(app: App) -> Iterator[str]:
    """The manual page, in the man macros."""
    yield f'.TH {NAME.upper()} 1 "" "" "User commands"'
    yield from _section("NAME", f"{NAME} \\- {_quoted(overview.ABOUT)}")
    yield from _section("SYNOPSIS", f".B {NAME}", "COMMAND [OPTIONS]")
    yield from _section("DESCRIPTION", _quoted(_DESCRIPTION))
    for group in commands.GROUPS:
        yield from _section(f"COMMANDS: {group.upper()}")
        for command in _of(group):
            yield from _command(app, command)
    yield from _section("OPTIONS OF EVERY COMMAND")
    for argument in _arguments(app, commands.ALL[0]):
        if _is_of_all(argument):
            yield from _option(argument)
    yield from _section("EXIT STATUS")
    for code in exits.Exit:
        yield from _item(str(code.value), exits.MEANING[code])
    yield from _section("ENVIRONMENT")
    for name, about in _ENVIRONMENT:
        yield from _item(name, about)
    yield from _section("FILES")
    for name, about in _FILES:
        yield from _item(name, about)


_DESCRIPTION = (
    "One program: the daemon, and what a person types to look after it. Whatever changes something"
    " is a request through RabbitMQ like any producer's; whatever only looks reads Postgres."
)


def _of(group: str) -> Iterator[Command]:
    for command in commands.ALL:
        family = commands.FAMILIES.get(command.words.partition(" ")[0])
        if (family[0] if family else command.group) == group:
            yield command


def _command(app: App, command: Command) -> Iterator[str]:
    arguments = [one for one in _arguments(app, command) if not _is_of_all(one)]
    typed = [_typed(one) for one in arguments if not one.names[0].startswith("-")]
    options = [one for one in arguments if one.names[0].startswith("-")]
    yield f'.SS "{NAME} {" ".join([command.words, *typed, *(["[OPTIONS]"] if options else [])])}"'
    for paragraph in helping.paragraphs(_told(command)):
        yield _quoted(paragraph)
        yield ".PP"
    for argument in arguments:
        yield from _option(argument)
    example = _quoted(f"{NAME} {command.words} {command.example}")
    yield from (".PP", "Example:", ".PP", ".nf", ".RS", example, ".RE", ".fi")


def _told(command: Command) -> str:
    return calling.function(command).__doc__ or command.does


def _arguments(app: App, command: Command) -> list[Argument]:
    """What it takes, as cyclopts reads it from the signature."""
    for word in command.words.split():
        app = app[word]
    return [one for one in app.assemble_argument_collection() if one.show and one.names[0] != "*"]


def _is_of_all(argument: Argument) -> bool:
    return argument.names[0].removeprefix("--") in {name.rstrip("_") for name in _OPTIONS}


def _typed(argument: Argument) -> str:
    name = argument.names[0]
    return name if argument.required else f"[{name}]"


def _option(argument: Argument) -> Iterator[str]:
    default = argument.field_info.default
    about = argument.parameter.help or ""
    if isinstance(default, int | float) and not isinstance(default, bool):
        about += f" Default: {default}."
    value = "" if argument.hint is bool or not argument.names[0].startswith("-") else " VALUE"
    yield from _item(f"{', '.join(argument.names)}{value}", about)


def _section(title: str, *lines: str) -> Iterator[str]:
    yield f'.SH "{title}"'
    yield from lines


def _item(name: str, about: str) -> Iterator[str]:
    yield ".TP"
    yield f".B {_quoted(name)}"
    yield _quoted(about)


def _quoted(text: str) -> str:
    """Text as it is: no macro at its beginning, hyphens that can be copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main() -> int:
    """Writes them."""
    folder = Path(__file__).with_name(shipped.FOLDER)
    folder.mkdir(exist_ok=True)
    for name, text in everything().items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
