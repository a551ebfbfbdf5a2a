"""What a person calls things: a job by id, ticket or request id, a delivery by its number."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from daemon.cli import ranges
from daemon.cli.exits import Ended, Exit
from daemon.store import door, operator
from daemon.store.operator import Found

AHEAD, AGO = "+10m from now", "-1h for an hour ago"
"""Short forms of times, as they are suggested."""
_DIGITS = 19
"""Of the largest id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a command is about: a whole job, or one delivery of it."""

    found: Found
    delivery: int | None = None

    @property
    def arguments(self) -> dict[str, object]:
        """As a request names it."""
        if self.delivery is not None:
            return {"delivery": self.delivery}
        return {"job": str(self.found.job)}


def as_uuid(name: str) -> UUID | None:
    """The UUID that a name is, if it is one."""
    try:
        return UUID(name)
    except ValueError:
        return None


def as_number(name: str) -> int | None:
    """The number that a name is, if it fits a column of ids."""
    is_number = name.isascii() and name.isdecimal() and len(name) <= _DIGITS
    return int(name) if is_number and int(name) <= ranges.LARGEST else None


async def job(store: door.Store, name: str, *, or_delivery: bool = False) -> Found:
    """The job that goes by a name. A request id may belong to several: then it isn't enough.

    Where it might as well be a delivery's number, it has been looked for as one.
    """
    found = await operator.find(store, job=as_uuid(name), name=name)
    if not found:
        is_number = or_delivery and as_number(name) is not None
        also = f"no delivery has the number {name}, and " if is_number else ""
        raise Ended(f"{also}no job goes by {name}")
    if len(found) > 1:
        ids = ", ".join(str(one.job) for one in found)
        raise Ended(f"several jobs go by {name}: {ids}")
    return found[0]


async def target(store: door.Store, name: str) -> Target:
    """A delivery by its number, else a job by its name."""
    number = as_number(name)
    delivery = None if number is None else await operator.find_by_delivery(store, number)
    if delivery is not None:
        return Target(found=delivery, delivery=number)
    return Target(found=await job(store, name, or_delivery=True))


def moment(text: str, now: datetime, *, near: str = AHEAD) -> datetime:
    """`2030-12-31T12:00:00+03:00`, `+10m` from now, or `-1h`, an hour ago.

    Who types what is none is told of `near`, the short form that is meant here.
    """
    from daemon.config import values  # noqa: PLC0415 - pydantic: few names are times
    from daemon.mail import texts  # noqa: PLC0415

    try:
        if text.startswith(("+", "-")):
            away = timedelta(seconds=values.seconds(text[1:]))
            return now + away if text.startswith("+") else now - away
        return texts.moment(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Ended(f"{text}: {error}, or {near}", Exit.USAGE) from None
