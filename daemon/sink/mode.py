"""The mood the whole sink is in: acts for every connection, limits, capabilities, slowness.

Changed by the control channel and by scripts. Acts of one phase compose like words of an address,
in the order in which they were asked for; one that has struck as often as it should is passed over.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from daemon.sink import behaviour
from daemon.sink.behaviour import Act, Deed, Phase

CAPABILITIES = ("pipelining", "8bitmime", "size", "smtputf8", "starttls", "auth")
"""What can be announced. `auth` shows once there are users, `starttls` with a certificate."""

_CODES: Mapping[Phase, int] = {"banner": 554, "ehlo": 502, "starttls": 454, "auth": 454}
"""What `refuse` says unless told otherwise; 451 in all other phases."""


class Mode:
    """One mood; `clear` goes back to the one it began with."""

    __slots__ = (
        "_asked",
        "_first",
        "acts",
        "capabilities",
        "connections",
        "passwords",
        "per_connection",
        "slow",
    )

    def __init__(self, capabilities: Iterable[str] = CAPABILITIES) -> None:
        self._asked = 0
        self._first = frozenset(capabilities)
        self.clear()

    def clear(self) -> None:
        """Back to the beginning; what was counted and remembered stays."""
        self.acts: tuple[Act, ...] = ()
        """For every connection, in the order in which they were asked for."""
        self.capabilities = self._first
        """What EHLO announces and what is therefore allowed."""
        self.connections: int | None = None
        """Open connections above which a new one is told 421 4.7.0."""
        self.per_connection: int | None = None
        """Messages of one connection after which MAIL is told 421."""
        self.passwords: dict[str, str] = {}
        """Of users, beside or instead of those that the sink was started with."""
        self.slow = 0.0
        """Seconds before every answer."""

    def add(self, act: Act) -> None:
        """One more act."""
        self.acts = (*self.acts, act)

    def forget(self, phase: Phase) -> None:
        """No more acts in this phase."""
        self.acts = tuple(act for act in self.acts if act.phase is not phase)

    def next_word(self, act: str) -> str:
        """A name for one more act: strikes are counted by it, so it is never given twice."""
        self._asked += 1
        return f"mode-{self._asked}-{act}"


def act(request: Mapping[str, Any], word: str) -> Act:
    """The act of a `mode` request; ValueError says what is wrong with it."""
    phase, deed = behaviour.phase_of(request["phase"]), Deed(request["act"])
    code = request.get("code", _CODES.get(phase, 451))
    if not 200 <= code <= 599:  # noqa: PLR2004 (RFC 5321 4.2)
        raise ValueError(f"not a reply code: {code}")
    numbers = {Deed.STALL: request.get("seconds", math.inf), Deed.LONG: request.get("lines", 1000)}
    return Act(
        phase=phase,
        deed=deed,
        word=word,
        code=code,
        enhanced=request.get("enhanced"),
        text=request.get("text"),
        number=numbers.get(deed, 0.0),
        after=request.get("bytes", 0),
        times=request.get("times"),
    )
