"""Texts that were made beforehand, and where they lie (see `manual`): completions, manual page."""

from importlib import resources
from types import MappingProxyType

FOLDER = "shipped"
MANUAL = "deliveryd.1"
SHELLS = MappingProxyType({"bash": "deliveryd.bash", "zsh": "_deliveryd", "fish": "deliveryd.fish"})
"""The completion for each shell."""


def asked(arguments: list[str]) -> str | None:
    """The text for these words; None when they ask for something else."""
    match arguments:
        case ["man"]:
            return text(MANUAL)
        case ["completion", shell] if shell in SHELLS:
            return text(SHELLS[shell])
        case _:
            return None


def text(name: str) -> str:
    """One of them."""
    place = resources.files("daemon.cli") / FOLDER / name
    return place.read_text(encoding="utf-8")
