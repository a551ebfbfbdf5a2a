"""A dead letter as it is shown: a row of a list, its facts, its body. Pure."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

import orjson

from daemon.broker.dead import DeadLetter
from daemon.broker.morgue import MOST
from daemon.cli import words
from daemon.cli.blocks import Block, Facts, Table

_HEAD = ("id", "died", "reason", "queue", "customer", "message id", "type", "octets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """A letter in a list: without its body, of which there may be thousands."""

    id: str
    died: datetime | None
    reason: str
    queue: str
    customer: int | None
    message_id: str
    type: str
    octets: int


def brief(letter: DeadLetter) -> Brief:
    """A letter as a row."""
    death, parcel = letter.death, letter.parcel
    return Brief(
        id=letter.id,
        died=death.at,
        reason=death.reason,
        queue=death.queue,
        customer=death.customer,
        message_id=parcel.message_id,
        type=parcel.type,
        octets=len(parcel.body),
    )


def table(found: Sequence[Brief], limit: int, *, total: int, others: int) -> list[Block]:
    """The list, and what isn't in it."""
    rows = [(one.id, words.moment(one.died), *astuple(one)[2:]) for one in found[:limit]]
    view: list[Block] = [Table(head=_HEAD, rows=rows, empty="no dead letter")]
    if len(found) > limit:
        view.append(f"{limit} of {words.number(len(found), 'dead letter')}: see --limit")
    if total > MOST:
        view.append(f"only the oldest {MOST:,} can be looked at")
    if others:
        view.append("somebody else is at the dead letters: what he holds isn't shown")
    return view


def whole(letter: DeadLetter, *, body: bool) -> dict[str, Any]:
    """Everything about a letter, for programs; a body that is no text in base64."""
    death, parcel = letter.death, letter.parcel
    document = {
        "id": letter.id,
        "digest": letter.digest,
        "died": death.at,
        "reason": death.reason,
        "detail": death.detail,
        "queue": death.queue,
        "customer": death.customer,
        "exchange": letter.exchange,
        "routing_key": parcel.routing_key,
        "message_id": parcel.message_id,
        "type": parcel.type,
        "content_type": parcel.content_type,
        "content_encoding": parcel.content_encoding,
        "correlation_id": parcel.correlation_id,
        "reply_to": parcel.reply_to,
        "user_id": parcel.user_id,
        "timestamp": parcel.timestamp,
        "headers": {name: _plain(value) for name, value in (parcel.headers or {}).items()},
        "octets": len(parcel.body),
    }
    return document | (_body(parcel.body) if body else {})


def view(letter: DeadLetter, *, body: bool) -> Iterator[Block]:
    """The same for a person."""
    facts = whole(letter, body=False)
    headers = facts.pop("headers")
    facts |= {"died": words.moment(letter.death.at)}
    yield Facts(rows=[(name.replace("_", " "), value) for name, value in facts.items()])
    if headers:
        yield Facts(rows=[(f"header {name}", value) for name, value in headers.items()])
    if body:
        yield "body:"
        yield from _pretty(letter.parcel.body).splitlines()


def _body(octets: bytes) -> dict[str, str]:
    try:
        return {"body": octets.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(octets).decode()}


def _pretty(octets: bytes) -> str:
    r"""Laid out if it is JSON; else as it came, what is no text as `\xNN`."""
    try:
        return orjson.dumps(orjson.loads(octets), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return octets.decode("utf-8", "backslashreplace")


def _plain(value: object) -> object:
    """A header's value as JSON can say it."""
    is_plain = isinstance(value, str | int | float | bool | None)
    return value if is_plain and not _is_huge(value) else str(value)


def _is_huge(value: object) -> bool:
    return isinstance(value, int) and value.bit_length() > 64  # noqa: PLR2004 - orjson's limit
