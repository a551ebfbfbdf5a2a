"""Every law, counted: how often it was looked at, how often it held, and where it didn't."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.checker.evidence import Evidence
from tests.checker.laws import ALL
from tests.checker.world import World

_SHOWN = 10
"""Flaws of one law that are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One law, as it was found."""

    invariant: str
    promise: str
    held: int
    flaws: Sequence[str]

    @property
    def line(self) -> str:
        """As it stands in the table."""
        return f"{self.invariant:<4}{self.promise:<104}{self.held:>7}{len(self.flaws):>7}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All laws."""

    checks: Sequence[Check]

    @property
    def flaws(self) -> list[str]:
        """What is wrong, each under its law."""
        found = []
        for check in self.checks:
            found += [f"{check.invariant} {check.promise}"] if check.flaws else []
            found += [f"    {flaw}" for flaw in check.flaws[:_SHOWN]]
            more = len(check.flaws) - _SHOWN
            found += [f"    … and {more} more"] if more > 0 else []
        return found

    @property
    def closing(self) -> str:
        """`N passed, N failed`."""
        passed = sum(check.held for check in self.checks)
        failed = sum(len(check.flaws) for check in self.checks)
        return f"{passed} passed, {failed} failed"

    @property
    def table(self) -> str:
        """Every law with its numbers, and the closing line."""
        head = f"{'':<4}{'law':<104}{'passed':>7}{'failed':>7}"
        return "\n".join((head, *(check.line for check in self.checks), self.closing))

    def demand(self) -> None:
        """AssertionError with everything that is wrong, if anything is."""
        assert not self.flaws, "\n".join(("the books don't balance", *self.flaws, self.closing))


def of(evidence: Evidence) -> Verdict:
    """What the laws say of a story."""
    world = World(evidence=evidence)
    checks = []
    for invariant, law in ALL:
        found = list(law(world))
        flaws = [flaw for flaw in found if flaw]
        promise = (law.__doc__ or "").strip().rstrip(".")
        checks.append(
            Check(invariant=invariant, promise=promise, held=len(found) - len(flaws), flaws=flaws)
        )
    return Verdict(checks=checks)
