"""Which dead letters are meant: by name, or all that pass some filters. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import Parameter

from daemon.broker import dead
from daemon.broker.dead import DeadLetter
from daemon.cli import ranges
from daemon.cli.exits import Ended, Exit
from daemon.mail import refusal

_SHORTEST = 4
"""Characters of an id that are enough to be one."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_EVER = datetime.min.replace(tzinfo=UTC)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a dead letter must be, if it is said."""

    reason: Annotated[str | None, Parameter(help="Such as bad_json or delivery_limit.")] = None
    queue: Annotated[str | None, Parameter(help="The queue from which it was put away.")] = None
    customer: Annotated[
        int | None, Parameter(help="Whose it is, where that is known.", validator=ranges.ID)
    ] = None
    older: Annotated[
        str | None, Parameter(help="Died longer ago than this: 1h.", allow_leading_hyphen=True)
    ] = None
    newer: Annotated[
        str | None, Parameter(help="Died less long ago than this: 10m.", allow_leading_hyphen=True)
    ] = None


NONE = Filters()
REASONS = frozenset(
    {code.value for code in refusal.NO_REQUEST} | {refusal.Code.INTERNAL} | dead.BROKERS_REASONS
)
"""Every reason that a letter may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is remembered of a letter that was chosen."""

    digest: str
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which letters a command is about."""

    names: Sequence[str]
    filters: Filters
    after: datetime
    before: datetime
    """When it died: between these."""

    def takes(self, letter: DeadLetter) -> bool:
        """Whether it is meant. A letter whose death nobody dated is of any age that isn't asked."""
        wanted, death = self.filters, letter.death
        is_dated = death.at is not None or (self.after, self.before) == (_EVER, _NEVER)
        return (
            wanted.reason in (None, death.reason)
            and wanted.queue in (None, death.queue)
            and wanted.customer in (None, death.customer)
            and is_dated
            and self.after < (death.at or _NEVER - timedelta(1)) < self.before
            and (not self.names or any(self._is(name, letter) for name in self.names))
        )

    def settled(self, found: Iterable[Found]) -> Counter[str]:
        """How many of each digest were meant. `Ended` for a name that is nobody's or several's."""
        letters = list(found)
        for name in self.names:
            _only_one(name, letters)
        return Counter(letter.digest for letter in letters)

    @staticmethod
    def _is(name: str, letter: DeadLetter) -> bool:
        return _goes_by(name, Found(digest=letter.digest, message_id=letter.parcel.message_id))


def of(names: Sequence[str], filters: Filters, now: datetime) -> Choice:
    """The choice that was typed. `Ended` for an age or a reason that is none."""
    if filters.reason not in (None, *REASONS):
        known = ", ".join(sorted(REASONS))
        raise Ended(f"--reason {filters.reason}: the reasons are {known}", Exit.USAGE)
    return Choice(
        names=names,
        filters=filters,
        after=_ago("newer", filters.newer, now) or _EVER,
        before=_ago("older", filters.older, now) or _NEVER,
    )


def found(letter: DeadLetter) -> Found:
    """What is remembered of it."""
    return Found(digest=letter.digest, message_id=letter.parcel.message_id)


def _only_one(name: str, letters: Sequence[Found]) -> None:
    """Copies of one letter are one; so are all that bear the message id that was typed."""
    mine = [letter for letter in letters if _goes_by(name, letter)]
    if not mine:
        raise Ended(f"no dead letter goes by {name}: deliveryd dead list")
    digests = sorted({letter.digest[:16] for letter in mine if letter.message_id != name})
    if len(digests) > 1:
        raise Ended(f"several dead letters go by {name}: {', '.join(digests)}")


def _goes_by(name: str, letter: Found) -> bool:
    is_short = len(name) >= _SHORTEST and letter.digest.startswith(name.lower())
    return is_short or (name != "" and letter.message_id == name)


def _ago(option: str, text: str | None, now: datetime) -> datetime | None:
    from daemon.config import values  # noqa: PLC0415 - pydantic: --help waits for nothing

    try:
        return None if text is None else now - timedelta(seconds=values.seconds(text))
    except (ValueError, OverflowError) as error:
        raise Ended(f"--{option} {text}: {error}", Exit.USAGE) from None
