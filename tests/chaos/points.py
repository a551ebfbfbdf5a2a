"""The crash points of the daemon: what each means, how often it is passed, what may come of it."""

import enum
from dataclasses import dataclass
from typing import Any

RECIPIENTS = 9
"""Recipients of a job whose points are passed once for each of them."""
_LARGE = "All of it, and more of the same.\n" * 5_000
"""More than one block of a body, so that there is a middle in which to die."""


class Each(enum.Enum):
    """For what a point is passed once: there its first, middle and last are looked for."""

    RECIPIENT = enum.auto()
    """Of one job."""
    ROUND = enum.auto()
    """A parcel, a commit, a batch of events: of jobs of one recipient, one after the other."""


class Position(enum.StrEnum):
    """Where in its work the daemon dies."""

    FIRST = "first"
    MIDDLE = "middle"
    LAST = "last"


class Mode(enum.StrEnum):
    """Who goes on."""

    ALONE = "alone"
    """Nobody; then one that is started anew."""
    SECOND = "second"
    """One that was running all the while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One of them."""

    name: str
    meaning: str
    each: Each = Each.RECIPIENT
    is_doubt: bool = False
    """Whether the attempt that dies here can't be known to have failed or not."""
    answers: bool = True
    """Whether who asks wants an answer: its publish would pass some points as well."""
    reconnects: bool = False
    """Whether every mail needs a connection of its own to pass it."""
    earlier: str | None = None
    """Where another one dies before, so that this one has something to find."""
    is_found_later: bool = False
    """Whether an expander passes it: every job is to a branch that its accept finds too large."""
    is_later: bool = False
    """Whether what is due at once would be tried meanwhile and be in doubt, or never pass it."""
    text: str = ""
    """What every mail says, when that matters."""

    @property
    def recipients(self) -> int:
        """Of each job."""
        return RECIPIENTS if self.each is Each.RECIPIENT else 1

    def crash(self, position: Position) -> str:
        """For `DELIVERYD_CRASH`."""
        last = RECIPIENTS if self.each is Each.RECIPIENT else 3
        nth = {Position.FIRST: 1, Position.MIDDLE: (last + 1) // 2, Position.LAST: last}
        return f"{self.name}:{nth[position]}"


def _round(name: str, meaning: str, **more: Any) -> Point:
    return Point(name=name, meaning=meaning, each=Each.ROUND, **more)


POINTS = (
    _round("C1", "request delivered, not parsed"),
    _round("C2", "job inserted, not committed"),
    _round("C3", "job committed, not acknowledged"),
    _round("C4", "request acknowledged", is_later=True),
    _round("C5", "audience about to be looked for", is_found_later=True),
    _round("C6", "audience found, not committed", is_found_later=True),
    _round("C7", "audience committed, not answered", is_found_later=True),
    _round("C8", "batch claimed", is_later=True),
    Point(name="C9", meaning="composed, not connected"),
    Point(name="C10", meaning="connected, no EHLO yet", reconnects=True),
    Point(name="C12", meaning="RCPT accepted"),
    Point(name="C13", meaning="354 read, nothing of the body sent"),
    Point(name="C14", meaning="in mid body", text=_LARGE),
    Point(name="C15", meaning="dot written, reply not read", is_doubt=True),
    Point(name="C16", meaning="reply read, not in the journal", is_doubt=True),
    Point(name="C17", meaning="reply in the journal, not committed"),
    _round("C18", "outcome committed"),
    _round("C19", "event about to be published", is_later=True),
    _round("C20", "event published, confirm not read", answers=False, is_later=True),
    _round("C21", "event confirmed, not marked as told", is_later=True),
    _round("C22", "event marked as told", is_later=True),
    _round("C23", "in mid sweep over what a dead one left", earlier="C9:2"),
)
