"""A list of whoever is meant: recipients of a parcel become contacts, and so do people.

Valid is who could be written to, also whoever is suppressed, and who has a phone number only; not
who was left out (requirements 2.1, Q19). What a recipient's variables say goes into the fields of
that name, as far as it fits there, and else among the custom ones, where templates find it as well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import tee
from typing import Any

import orjson

from daemon.expansion import literal
from daemon.mail.directory import cells
from daemon.mail.request.contacts import COLUMNS
from daemon.mail.request.recipients import Recipient
from daemon.store import door, lists
from daemon.store.expansion import Asked, Place

_KINDS = {
    column.name: column.kind
    for column in COLUMNS
    if column.name not in ("address", "custom", "timezone")
}
"""The fields that a variable may fill."""
Fields = Mapping[str, Any]


async def entered(
    session: door.Session,
    place: Place,
    customer: int,
    number: int,
    recipients: Iterable[Recipient],
    *,
    need_dot: bool,
) -> int:
    """Enters into a list those whom the parcel itself names; answers how many they are."""
    named = _contacts(recipients, need_dot=need_dot)
    norms = [one["norm"] for one in named if "norm" in one]
    out = await lists.excluded(session, place.job_id, norms)
    rows = [one for one in named if one.get("norm") not in out]
    await lists.enter(session, customer, number, rows, source="send")
    return len(rows)


def _contacts(recipients: Iterable[Recipient], *, need_dot: bool) -> Sequence[Fields]:
    """Each contact once; the first says what there is to say."""
    judged, given = tee(recipients)
    found: dict[tuple[str, str], Fields] = {}
    for asked, recipient in zip(
        literal.judged(judged, place=0, need_dot=need_dot), given, strict=True
    ):
        for one in _contact(asked, recipient):
            name = "norm" if "norm" in one else "phone_number"
            found.setdefault((name, one[name]), one)
    return list(found.values())


def _contact(asked: Asked, recipient: Recipient) -> Iterator[Fields]:
    """The contact that a recipient is, if he is one."""
    fields = dict(_fields(recipient.vars))
    if asked.refused is None:
        forms = {"norm": asked.norm, "supp": asked.supp, "domain": asked.domain}
        yield {"address": asked.address, **forms, **fields}
    elif asked.refused == "no_address" and "phone_number" in fields:
        yield fields


def _fields(variables: Mapping[str, str | None]) -> Iterator[tuple[str, Any]]:
    custom = {}
    for name, text in variables.items():
        if text is None or not text.strip(" "):
            continue
        if name in _KINDS and _fits(_KINDS[name], text):
            yield name, text
        else:
            custom[name] = text
    if custom and _fits(cells.FIELDS, orjson.dumps(custom).decode()):
        yield "custom", custom


def _fits(kind: cells.Kind, text: str) -> bool:
    try:
        return bool(cells.read(kind, text))
    except ValueError:
        return False
