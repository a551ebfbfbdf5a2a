"""Numbers that are typed: none is without a range, and outside of it there is no command."""

import shlex
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from cyclopts import Argument
from cyclopts.validators import Number

from daemon.cli import calling, commands, main
from daemon.cli.commands import Command
from daemon.cli.exits import Exit


def kinds(hint: Any) -> set[Any]:
    """The types that a type is made of."""
    return {hint}.union(*(kinds(part) for part in get_args(hint)))


def numbers() -> Iterator[tuple[Command, Argument]]:
    """Every parameter of every command that takes a number."""
    for command in commands.ALL:
        if command.is_foreign:
            continue
        found = calling.app(command.words.split())
        for word in command.words.split():
            found = found[word]
        for argument in found.assemble_argument_collection():
            if kinds(argument.hint) & {int, float}:
                yield command, argument


ALL = list(numbers())
NAMES = [f"{command.words} {argument.name}" for command, argument in ALL]


def test_all_are_found() -> None:
    """The walk sees options of functions and of the dataclasses that they share."""
    assert {
        "serve --processes",
        "send --timeout",
        "dead drop --customer",
        "pause --customer",
    } < set(NAMES)


@pytest.mark.parametrize(("command", "argument"), ALL, ids=NAMES)
def test_a_number_has_a_range(
    command: Command, argument: Argument, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is below or above, and no number at all, exits 2 with a line that names the option."""
    found = [rule for rule in argument.parameter.validator if isinstance(rule, Number)]
    assert found, f"no range: {command.words} {argument.name}"
    assert found[0].gte is not None
    assert found[0].lte is not None
    example = shlex.split(command.example.split(" || ")[0])
    for value in (found[0].gte - 1, found[0].lte + 1, 10**30, "nan", "inf", "1e400"):
        typed = [*command.words.split(), *example, f"{argument.name}={value}"]
        assert main.run(typed) == Exit.USAGE, value
        said = capsys.readouterr().err
        assert argument.name in said
        assert said.count("\n") == 1


@pytest.mark.parametrize(
    "typed",
    ["queue shape --limit 0", "job show x --every 0.1", "top --every 0.2", "send f --timeout 0",
     "events tail --customer 0", f"deliveries x --page {2**63 - 1}"],
)  # fmt: skip
def test_what_means_something_is_lawful(typed: str) -> None:
    """The ends of a range belong to it: a sum alone, a quick look, whoever isn't known."""
    words = typed.split()
    calling.app(words).parse_args(words, exit_on_error=False, print_error=False)


def test_no_default_is_a_riddle(capsys: pytest.CaptureFixture[str]) -> None:
    """--help of no option says `Default: ()`; all parts run when none is chosen."""
    for command in commands.ALL:
        if not command.is_foreign:
            assert main.run([*command.words.split(), "--help"]) == Exit.OK
            assert "Default: ()" not in capsys.readouterr().out
