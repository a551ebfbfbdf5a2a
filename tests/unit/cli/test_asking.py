"""Asking before something that can't be undone."""

from io import StringIO

import pytest

from daemon.cli import asking
from daemon.cli.exits import Ended, Exit


class Terminal(StringIO):
    """Somewhere that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


def typing(monkeypatch: pytest.MonkeyPatch, answer: str) -> Terminal:
    """A person at a terminal who answers so; what he sees."""
    seen = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", seen)
    return seen


@pytest.mark.parametrize("answer", ["y\n", "Yes\n"])
def test_yes(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says yes goes on."""
    seen = typing(monkeypatch, answer)
    asking.sure("Drop it?", yes=False)
    assert seen.getvalue() == "Drop it? [y/N] "


@pytest.mark.parametrize("answer", ["\n", "n\n", "what?\n", ""])
def test_anything_else_is_no(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done for any other answer, nor for none."""
    typing(monkeypatch, answer)
    with pytest.raises(Ended, match="nothing was changed"):
        asking.sure("Drop it?", yes=False)


def test_yes_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --yes nobody is asked."""
    seen = typing(monkeypatch, "n\n")
    asking.sure("Drop it?", yes=True, must=True)
    assert seen.getvalue() == ""


def test_a_script_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal a question that must be answered is an error; any other isn't asked."""
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    asking.sure("Cancel it?", yes=False)
    with pytest.raises(Ended, match="add --yes") as refused:
        asking.sure("Drop it?", yes=False, must=True)
    assert refused.value.code is Exit.USAGE
