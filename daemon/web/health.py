"""Whether this instance is ready, and what isn't well, in words.

Parts report what they see as it changes; a request only reads. So the answer comes at once, even
when the database hangs (F8). A check is vital when nothing can be asked of an instance without it:
only those take one out of service. Any other says what is held up while the rest goes on.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from daemon import metrics, redact


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that should be well."""

    ok: bool
    vital: bool
    """Whether the instance is of no use without it."""
    reason: str = ""
    """Why it isn't, in a few words; empty when it is."""
    since: float
    """When it became so, by the health's own clock."""


class Health:
    """The named checks of one instance. Ready when all vital ones are well and none is stopping."""

    def __init__(
        self, expected: Iterable[str] = (), *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._checks: dict[str, Check] = {}
        self.is_draining = False
        for name in expected:
            self.report(name, ok=False, reason="not there yet")

    def report(self, name: str, *, ok: bool, reason: str = "", vital: bool = True) -> None:
        """What a part sees of `name`; repeat it as often as you like, only changes count."""
        known = self._checks.get(name)
        reason = "" if ok else redact.masked(redact.clean(reason or "not well"))
        since = known.since if known and known.ok == ok else self._clock()
        self._checks[name] = Check(ok=ok, vital=vital, reason=reason, since=since)
        metrics.checks(name).set(ok)

    def drain(self) -> None:
        """Not ready from now on, whatever the checks say: balancers and people look elsewhere."""
        self.is_draining = True

    @property
    def is_ready(self) -> bool:
        """Whether new work may come."""
        return not self.is_draining and all(
            check.ok for check in self._checks.values() if check.vital
        )

    @property
    def reasons(self) -> list[str]:
        """What isn't well, one line each, the vital first; an instance may be ready in spite."""
        draining = ["draining: about to stop"] if self.is_draining else []
        unwell = [(name, check) for name, check in self._checks.items() if not check.ok]
        unwell.sort(key=lambda one: not one[1].vital)
        return draining + [f"{name}: {check.reason}" for name, check in unwell]

    def verbose(self) -> dict[str, object]:
        """All of it, for JSON; `for_seconds` is how long a check has been as it is."""
        now = self._clock()
        return {
            "ready": self.is_ready,
            "well": not self.reasons,
            "draining": self.is_draining,
            "checks": {
                name: {
                    "ok": check.ok,
                    "vital": check.vital,
                    "reason": check.reason or None,
                    "for_seconds": round(now - check.since, 3),
                }
                for name, check in self._checks.items()
            },
        }
