"""The manual page and the completions: current, whole, and fit to be used."""

import subprocess
from typing import get_args

import pytest

from daemon.cli import commands, jobs, main, manual, shipped
from daemon.cli.commands import Command
from daemon.cli.exits import Exit
from daemon.mail.state import State


@pytest.fixture(scope="module")
def everything() -> dict[str, str]:
    """What the commands say of themselves now."""
    return manual.everything()


@pytest.mark.parametrize("name", [*shipped.SHELLS.values(), shipped.MANUAL])
def test_they_are_current(name: str, everything: dict[str, str]) -> None:
    """What is shipped is what the commands say now; else: python -m daemon.cli.manual."""
    assert shipped.text(name) == everything[name], "run: python -m daemon.cli.manual"


@pytest.mark.parametrize("command", commands.ALL, ids=lambda command: command.words)
def test_every_command_is_in_them(command: Command) -> None:
    """The manual has each command with its example, each completion its words."""
    page = shipped.text(shipped.MANUAL)
    example = f"deliveryd {command.words} {command.example}".replace("-", "\\-")
    assert f'.SS "deliveryd {command.words}' in page
    assert example in page
    for name in shipped.SHELLS.values():
        text = shipped.text(name)
        assert all(word in text for word in command.words.split())


def completed(*words: str) -> set[str]:
    """What bash offers for the last of these words."""
    typed = " ".join(f"'{word}'" for word in words)
    script = (
        f"{shipped.text(shipped.SHELLS['bash'])}\nCOMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}"
        "; _deliveryd; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "-s"], input=script, capture_output=True, text=True, check=True, timeout=20
    )
    return set(done.stdout.split())


def test_bash_completes() -> None:
    """In a real bash commands, words of families, options and the values of some are offered."""
    assert {"trace", "top", "job"} <= completed("deliveryd", "")
    assert completed("deliveryd", "queue", "") == {"shape"}
    assert "--deferred" in completed("deliveryd", "queue", "shape", "--")
    assert completed("deliveryd", "deliveries", "j", "--state", "in") == {"in_doubt"}
    assert completed("deliveryd", "completion", "f") == {"fish"}


def test_every_state_can_be_typed() -> None:
    """`deliveries --state` takes every state that there is."""
    assert list(get_args(jobs.StateName)) == [state.name.lower() for state in State]


@pytest.mark.parametrize(
    ("typed", "name"), [(["man"], shipped.MANUAL), (["completion", "zsh"], "_deliveryd")]
)
def test_printed(typed: list[str], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """They are printed as they are, by the short way and, with options, by the long one."""
    for words in (typed, [*typed, "--json"]):
        assert main.run(words) == Exit.OK
        assert capsys.readouterr().out == shipped.text(name)
    assert main.run([*typed, "--quiet"]) == Exit.OK
    assert capsys.readouterr().out == ""
