"""When a relay itself is in trouble its lane rests, instead of deferring delivery after delivery.

Each failure that blames the relay doubles the rest; one delivery then probes it, and its first
success ends the matter. A relay that is away is asked again every few seconds, so that work goes on
as soon as it is back; one that wants a person (a wrong password, a certificate) each minute, or
when somebody has changed what we know of it.
"""

import time
from collections.abc import Callable

from daemon import logs
from daemon.outage import Outage

FIRST_REST = 0.5
LONGEST_REST = 3.0
LONGEST_FOR_A_PERSON = 60.0

_log = logs.get("dispatch.ease")


class Ailing(Outage):
    """A relay takes nothing from us."""

    def __init__(self, relay: str, ailment: str) -> None:
        super().__init__(ailment)
        self._relay = relay

    @property
    def cause(self) -> str:
        """One for each relay, whatever ails it."""
        return f"relay {self._relay}"


def complain(relay: str, ailment: str) -> None:
    """Warns of what ails a relay, as of every other server that is away."""
    logs.outage(_log, "relay.rests", Ailing(relay, ailment))


class Ease:
    """How a relay has been lately, by a clock of monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.faults = 0
        """Failures in a row that blamed the relay."""
        self.ailment = ""
        """What ailed it at the last try, in words; empty = nothing did."""
        self._until = 0.0
        self._rest = FIRST_REST

    @property
    def is_resting(self) -> bool:
        """Whether nothing should start now."""
        return self._clock() < self._until

    @property
    def is_probing(self) -> bool:
        """Whether the rest is over but nothing has succeeded since: one delivery at a time."""
        return self.faults > 0

    @property
    def left(self) -> float:
        """Seconds of rest that are left."""
        return max(0.0, self._until - self._clock())

    def end_rest(self) -> None:
        """Something was changed: the next delivery may probe it at once."""
        self._until, self._rest, self.ailment = 0.0, FIRST_REST, ""

    def learn(self, ailment: str, *, wants_person: bool = False) -> None:
        """Hears of an outcome, and what it says of the relay: empty = nothing ails it.

        Failures of attempts that were already flying count once.
        """
        now, self.ailment = self._clock(), ailment
        if not ailment:
            self.faults, self._rest = 0, FIRST_REST
            self._until = 0.0
        elif now >= self._until:
            self.faults += 1
            self._until = now + self._rest
            self._rest = min(self._rest * 2, LONGEST_FOR_A_PERSON if wants_person else LONGEST_REST)
