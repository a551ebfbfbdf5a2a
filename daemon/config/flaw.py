"""What is wrong with a configuration, and where. No value is repeated: it may be a secret."""

from collections.abc import Iterable
from dataclasses import dataclass

Key = tuple[str | int, ...]
"""The path to a value: table, key, and the position within a list; `("transport", 0, "port")`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a value was set."""

    source: str
    """A file's path, `environment NAME` or `command line`."""
    line: int | None = None
    """Of the file, from 1."""

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that is wrong."""

    file: str
    """As in `Origin.source`."""
    line: int | None
    key: str
    """Dotted, as written by `dotted`; empty when the file as a whole is meant."""
    message: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (where, self.key, self.message) if part)


class ConfigError(Exception):
    """The configuration can't be used; `flaws` says everything that is wrong with it."""

    def __init__(self, flaws: Iterable[Flaw]) -> None:
        self.flaws = tuple(sorted(flaws, key=lambda flaw: (flaw.file, flaw.line or 0)))
        super().__init__("\n".join(str(flaw) for flaw in self.flaws))


def dotted(key: Key) -> str:
    """A key as people write it: `delivery.timeouts.dot`, `transport[0].port`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)[1:]
