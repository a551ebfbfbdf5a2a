"""What was typed becomes a command; what can't become one is told in a line."""

import importlib
import inspect
import shlex
import textwrap
from pathlib import Path

import pytest

from daemon.cli import calling, commands, main, overview
from daemon.cli.commands import Command
from daemon.cli.exits import Exit

OWN = [command for command in commands.ALL if not command.is_foreign]


def words(command: Command) -> str:
    """What a test is called by."""
    return command.words


@pytest.mark.parametrize("command", commands.ALL, ids=words)
def test_every_command_is_there(command: Command) -> None:
    """A command of the table is a function with a docstring, in the module it says."""
    module, name = command.place.split(":")
    function = getattr(importlib.import_module(f"daemon.cli.{module}"), name)
    assert inspect.getdoc(function)


@pytest.mark.parametrize("command", OWN, ids=words)
def test_every_example_can_be_typed(command: Command) -> None:
    """The example of a command is one: every word of it is understood."""
    words = shlex.split(f"{command.words} {command.example}")
    ends = [place for place, word in enumerate(words) if word in (">", "||")]
    typed = words[: ends[0]] if ends else words
    calling.app(typed).parse_args(typed, exit_on_error=False, print_error=False)


@pytest.mark.parametrize("command", OWN, ids=words)
def test_every_command_knows_the_common_options(command: Command) -> None:
    """--config, --set, --json and --quiet may be added to any command."""
    words = shlex.split(f"{command.words} {command.example}")
    ends = [place for place, word in enumerate(words) if word in (">", "||")]
    shown = words[: ends[0]] if ends else words
    bare = [word for word in shown if word not in ("--json", "--quiet")]
    typed = [*bare, "--json", "--quiet", "--set", "a.b=c"]
    _, bound, _ = calling.app(typed).parse_args(typed, exit_on_error=False, print_error=False)
    options = bound.arguments["options"]
    assert (options.json, options.quiet, options.set_[-1]) == (True, True, "a.b=c")


@pytest.mark.parametrize("command", OWN, ids=words)
def test_every_help_shows_an_example(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """--help of a command shows how it is typed."""
    assert main.run([*command.words.split(), "--help"]) == Exit.OK
    said = capsys.readouterr().out
    assert "Example:" in said
    assert f"deliveryd {command.words}" in said
    assert "Exit codes: 0 done" in said


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_exit_codes_are_laid_out_once(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last sentence of a help fills its lines, however wide the terminal is."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main.run(["audit", "--help"]) == Exit.OK
    said = capsys.readouterr().out
    shown = [line.rstrip() for line in said[said.index("Exit codes") :].rstrip().splitlines()]
    assert shown == textwrap.wrap(overview.codes(), min(columns, overview.WIDEST))


def test_help_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    """--help lists every command or its family, with what it does."""
    assert main.run(["--help"]) == Exit.OK
    said = capsys.readouterr().out
    assert all(command.words.split()[0] in said for command in commands.ALL)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_help_fits(columns: int) -> None:
    """--help is as narrow as the terminal, colours or not."""
    plain = list(overview.lines(columns, colour=False))
    assert max(map(len, plain)) <= max(columns, 60)
    assert len(list(overview.lines(columns, colour=True))) == len(plain)


def test_help_as_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    """`help` is --help, alone and of a command."""
    for typed, same in ((["help"], ["--help"]), (["help", "dead", "drop"], ["dead", "drop", "-h"])):
        assert main.run(typed) == Exit.OK
        said = capsys.readouterr().out
        assert main.run(same) == Exit.OK
        assert capsys.readouterr().out == said


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version says that of the distribution, and nothing else."""
    assert main.run(["--version"]) == Exit.OK
    assert capsys.readouterr().out == f"{overview.version()}\n"


def test_a_word_that_is_almost_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Who mistypes a command is told which one is near, and where all of them are."""
    assert main.run(["instnaces"]) == Exit.USAGE
    assert capsys.readouterr().err == (
        "deliveryd: instnaces is no command. Is it instances? Try: deliveryd --help\n"
    )


def test_a_wrong_option_leads_to_its_own_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Who mistypes an option is told where the options of this command are."""
    assert main.run(["dead", "list", "--nope"]) == Exit.USAGE
    assert "Try: deliveryd dead list --help" in capsys.readouterr().err


@pytest.mark.parametrize(
    "typed",
    [
        ["nope"],
        ["status"],
        ["status", "x", "--nope"],
        ["send"],
        ["send", "a.json", "--to", "x"],
        ["check-config", "--set", "nonsense"],
        ["serve", "--only", "everything"],
        ["deliveries", "x", "--state", "asleep"],
        ["events", "tail", "--type", "a.b.c"],
        ["events", "replay"],
        ["reschedule", "x", "--at", "tomorrow"],
        ["reschedule", "x", "--at", "-zz"],
        ["send", "--to", "x@example.com", "--at", "-zz"],
        ["send", "--to", "x@example.com", "--request-id", ""],
        ["dead", "list", "--newer", "-1h"],
        ["dead", "list", "--older", "9999999d"],
        ["pause"],
        ["validate", "/nowhere.json"],
    ],
    ids=" ".join,
)
def test_usage(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What is no command exits 2 with one line on standard error, before anything is asked."""
    assert main.run(typed) == Exit.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("deliveryd: ")
    assert said.err.count("\n") == 1


def test_a_time_in_the_past_is_suggested_where_one_is_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Who mistypes a time is told of a form that suits: ahead for a due time, back for a replay."""
    for typed, near in (
        (["events", "replay", "--from", "yesterday"], "-1h for an hour ago"),
        (["reschedule", "x", "--at", "tomorrow"], "+10m from now"),
    ):
        assert main.run(typed) == Exit.USAGE
        assert near in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "ordered"),
    [
        (["status", "x"], ["status", "x"]),
        (["--json", "status", "x"], ["status", "--json", "x"]),
        (["--config", "f", "-q", "audit"], ["audit", "--config", "f", "-q"]),
        (["--set=a.b=c", "doubt", "list", "x"], ["doubt", "list", "--set=a.b=c", "x"]),
        (["--help"], ["--help"]),
        ([], []),
    ],
)
def test_options_may_come_first(typed: list[str], ordered: list[str]) -> None:
    """The options of every command may stand before its name, too."""
    assert calling.ordered(typed) == ordered


def test_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A configuration that can't be used exits 78 with every flaw in a line of its own."""
    typed = ["check-config", "--config", str(tmp_path / "none.toml")]
    assert main.run(typed) == Exit.CONFIG
    assert "none.toml" in capsys.readouterr().err
