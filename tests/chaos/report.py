"""What people read: a line for each thing done, the table of all laws at the end; or JSON."""

import json
import platform
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, TextIO

from tests.checker.verdict import Check

_PACKAGES = ("deliveryd", "aio-pika", "aiormq", "asyncpg", "aiosmtplib", "uvloop")
_SHOWN = 10
"""Flaws that are told of one law."""


@dataclass(slots=True, kw_only=True)
class Law:
    """One law over all rounds."""

    passed: int = 0
    failed: int = 0
    looks: int = 0
    """How many things it was held against."""
    flaws: list[str] = field(default_factory=list)


class Report:
    """Tells what happens as it happens, and adds up what the laws say, round by round."""

    def __init__(self, *, as_json: bool, out: TextIO = sys.stdout) -> None:
        self._began = time.monotonic()
        self._out = out
        self._as_json = as_json
        self._laws: dict[tuple[str, str], Law] = {}
        self._facts: dict[str, Any] = {"versions": versions()}
        self._lines: list[dict[str, Any]] = []

    @property
    def failed(self) -> int:
        """Laws that didn't hold, each once per round."""
        return sum(law.failed for law in self._laws.values())

    def say(self, what: str, **facts: Any) -> None:
        """One line of progress; with JSON it goes to the log of the document."""
        at = time.monotonic() - self._began
        self._lines.append({"at": round(at, 3), "what": what, **facts})
        target = sys.stderr if self._as_json else self._out
        print(f"{at:7.1f} s  {what}", file=target, flush=True)

    def state(self, **facts: Any) -> None:
        """Facts of the run as a whole: the seed, the figures."""
        self._facts |= facts

    def round(self, name: str, checks: Iterable[Check]) -> bool:
        """Adds what the laws say of one round; whether all of them held."""
        well = True
        for check in checks:
            law = self._laws.setdefault((check.invariant, check.promise), Law())
            law.looks += check.held + len(check.flaws)
            law.passed += not check.flaws
            law.failed += bool(check.flaws)
            law.flaws += [f"{name}: {flaw}" for flaw in check.flaws]
            well = well and not check.flaws
        return well

    def broken(self, fault: Exception) -> None:
        """The run itself could not go on: that is a failure, whatever held before."""
        promise = "the run came to its end"
        self.round("run", [Check(invariant="C", promise=promise, held=0, flaws=(repr(fault),))])

    def close(self) -> int:
        """The table and the closing line, or everything as JSON; the exit status."""
        passed = sum(law.passed for law in self._laws.values())
        closing = f"{passed} passed, {self.failed} failed"
        if self._as_json:
            document = {
                **self._facts,
                "log": self._lines,
                "laws": self._tables(),
                "closing": closing,
            }
            print(json.dumps(document, indent=2, default=str), file=self._out)
        else:
            print("\n".join((*self._table(), closing)), file=self._out, flush=True)
        return 1 if self.failed or not passed else 0

    def _table(self) -> Iterable[str]:
        yield ""
        for name, fact in self._facts.items():
            yield f"{name:<12}{_shown(fact)}"
        yield f"\n{'':<4}{'law':<104}{'looks':>8}{'passed':>8}{'failed':>8}"
        for (invariant, promise), law in sorted(self._laws.items(), key=_by_number):
            yield (
                f"{invariant:<4}{promise[:103]:<104}{law.looks:>8}{law.passed:>8}{law.failed:>8}"
            )
            yield from (f"      {flaw}" for flaw in law.flaws[:_SHOWN])
            if len(law.flaws) > _SHOWN:
                yield f"      … and {len(law.flaws) - _SHOWN} more"

    def _tables(self) -> Sequence[Mapping[str, Any]]:
        return [
            {"invariant": invariant, "promise": promise, "looks": law.looks,
             "passed": law.passed, "failed": law.failed, "flaws": law.flaws}
            for (invariant, promise), law in sorted(self._laws.items(), key=_by_number)
        ]  # fmt: skip


def versions() -> dict[str, str]:
    """What the daemon is made of."""
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in _PACKAGES
    }


def _by_number(entry: tuple[tuple[str, str], Law]) -> tuple[str, int]:
    invariant = entry[0][0]
    return invariant[:1], int(invariant[1:] or 0)


def _shown(fact: Any) -> str:
    if isinstance(fact, Mapping):
        return ", ".join(f"{name} {value}" for name, value in fact.items())
    return str(fact)
