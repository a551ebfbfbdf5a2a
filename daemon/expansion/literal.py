"""Recipients that a request names itself: judged by the address law here, the rest in the database.

What Python knows better (what an address is) is decided before; what only the database knows (who
was named before, who must not be written to) and all counting is one statement, for any number of
jobs at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from uuid import UUID

import orjson

from daemon.mail import address
from daemon.mail.request.recipients import Override, Recipient
from daemon.store import door, expansion
from daemon.store.expansion import Asked, Expanded, Place

_SHOWN = 320
"""Characters of a refused address that are kept for whoever looks why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who is meant to get one message of one job."""

    job_id: UUID
    message_id: int
    recipients: Iterable[Recipient]
    taker: UUID | None = None
    """The instance that takes the only one of them at once."""


async def expanded(
    session: door.Session, audiences: Sequence[Audience], *, need_dot: bool = True
) -> dict[UUID, Expanded]:
    """Turns everyone into deliveries, in the session's transaction; the jobs are stored already.

    `need_dot`: whether the domain of an address must have a dot (Q6).
    """
    places = [
        Place(job_id=one.job_id, message_id=one.message_id, taker=one.taker) for one in audiences
    ]
    asked = [
        found
        for number, audience in enumerate(audiences, start=1)
        for found in judged(audience.recipients, place=number, need_dot=need_dot)
    ]
    return await expansion.expanded(session, places, asked)


def judged(recipients: Iterable[Recipient], *, place: int, need_dot: bool) -> Iterator[Asked]:
    """Each recipient with what the address law says of him."""
    for position, recipient in enumerate(recipients):
        given = recipient.address
        if given is None or not given.strip():
            yield _dropped(place, position, given, "no_address", None)
            continue
        found = address.check(given, allow_utf8=True, need_dot=need_dot)
        if isinstance(found, address.Invalid):
            yield _dropped(place, position, given, "invalid", found.reason)
            continue
        own = _own(recipient.override)
        yield Asked(
            place,
            position,
            found.address,
            found.norm,
            found.supp,
            found.domain,
            recipient.name,
            dict(recipient.vars) or None,
            own,
            None,
            _hash(own),
            None,
        )


def _dropped(
    place: int, position: int, given: str | None, reason: str, detail: str | None
) -> Asked:
    shown = None if given is None else given[:_SHOWN]
    return Asked(place, position, shown, "", "", "", None, None, None, reason, b"", detail)


def _own(override: Override | None) -> dict[str, str] | None:
    if override is None:
        return None
    return {name: text for name, text in asdict(override).items() if text is not None} or None


def _hash(own: dict[str, str] | None) -> bytes:
    """What tells two different mails to one address apart (Q25)."""
    return sha256(orjson.dumps(own, option=orjson.OPT_SORT_KEYS)).digest() if own else b""
