"""`delivery.send_window`: when mail may go, as it is asked for, and as it is kept with the job."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, ConfigDict, Field, Strict

from daemon.mail.request import times
from daemon.mail.request.commands import FORM
from daemon.mail.window import Window

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MIDNIGHT = "24:00"


def _some(days: tuple[Day, ...]) -> tuple[Day, ...]:
    """Each once, in the order of the week."""
    if not days:
        raise ValueError("must hold at least one day")
    return tuple(day for day in DAYS if day in days)


Days = Annotated[tuple[Day, ...], Field(max_length=len(DAYS)), AfterValidator(_some)]
_HOUR = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", re.ASCII)


def _hour(written: str) -> str:
    if not _HOUR.fullmatch(written):
        raise ValueError("must be a time of the day such as 09:00")
    return written


def _end(written: str) -> str:
    return written if written == _MIDNIGHT else _hour(written)


Hour = Annotated[str, Strict(), AfterValidator(_hour)]
End = Annotated[str, Strict(), AfterValidator(_end)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendWindow:
    """Hours of the day on days of the week; outside of it deliveries wait."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    days: Days = DAYS
    """On which it opens; all when they aren't given."""
    from_: Annotated[Hour, Field(alias="from")]
    to: End
    """Earlier than `from`: on the next day. 24:00 is the end of the day."""
    timezone: times.Zone

    def __post_init__(self) -> None:
        """A window of no length would never open, or always: nobody could tell."""
        if self.window.opens == self.window.closes and self.to != _MIDNIGHT:
            raise ValueError("must have a `to` that differs from `from`")

    @property
    def window(self) -> Window:
        """As the law of windows takes it."""
        return Window(
            days=frozenset(map(DAYS.index, self.days)),
            opens=time.fromisoformat(self.from_),
            closes=time() if self.to == _MIDNIGHT else time.fromisoformat(self.to),
            zone=ZoneInfo(self.timezone),
        )

    @property
    def stored(self) -> dict[str, Any]:
        """As it is kept with its job."""
        return {
            "days": list(self.days), "from": self.from_, "to": self.to, "timezone": self.timezone
        }  # fmt: skip


def kept(stored: Mapping[str, Any]) -> SendWindow:
    """A window that was kept with its job."""
    return SendWindow(
        days=tuple(stored["days"]),
        from_=stored["from"],
        to=stored["to"],
        timezone=stored["timezone"],
    )
