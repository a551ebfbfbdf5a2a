"""What goes back to whoever asked: values, and the native form they are rendered in.

An answer says `ok` first; its other fields depend on the command. A dialect renders the same values
in its own words.

>>> render(Done(command="resume", request_id="r1"))
b'{"v":1,"ok":true,"command":"resume","request_id":"r1"}'
>>> from daemon.mail import refusal
>>> render(refusal.refused(refusal.Code.NOT_FOUND, "names no job", field="job"))
b'{"v":1,"ok":false,"errors":[{"code":"not_found","field":"job","message":"names no job"}]}'
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never
from uuid import UUID

import orjson

from daemon.mail.refusal import NotARequest, Notice, Refused

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A send, an extend or a close that was stored, or a dry run that would have been."""

    command: str
    request_id: str | None = None
    dry_run: bool = False
    job: UUID | None = None
    """None after a dry run."""
    ticket: str | None = None
    messages: tuple[int, ...] = ()
    """Their ids, in the order of the request."""
    delivery: int | None = None
    """The id of the only delivery, when there is exactly one: dialects for single mails give it."""
    list: int | None = None
    """The id of the list that was made, or taken, for whoever is meant."""
    campaign: int | None = None
    """The id of the campaign that it is booked under."""
    counts: Mapping[str, int | None] = field(default_factory=dict)
    """`requested`, `queued` and why the others weren't (design 5); null = not known yet."""
    money: Mapping[str, str] = field(default_factory=dict)
    """`cost`, `residual` and `currency`, where somebody pays."""
    explained: Mapping[str, Any] = field(default_factory=dict)
    """Of a dry run that was asked to: its terms, its lane, some of its recipients."""
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Any other command that was carried out, with what it has to say."""

    command: str
    request_id: str | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the answer: JSON values, UUIDs, times."""
    notices: tuple[Notice, ...] = ()


Answer = Accepted | Done | Refused | NotARequest


def render(answer: Answer) -> bytes:
    """The native answer, JSON in UTF-8."""
    return orjson.dumps(document(answer))


def document(answer: Answer) -> dict[str, Any]:
    """The native answer as JSON values; what is None or empty is left out, counts never are."""
    match answer:
        case Accepted():
            return _positive(answer, _accepted(answer))
        case Done():
            return _positive(answer, answer.result)
        case Refused():
            about = {"command": answer.command, "request_id": answer.request_id}
            return {"v": VERSION, "ok": False, **_given(about), "errors": errors(answer)}
        case NotARequest():
            return {"v": VERSION, "ok": False, "errors": errors(answer)}
    assert_never(answer)


def errors(answer: Refused | NotARequest) -> list[dict[str, str]]:
    """All that is wrong, as `request.rejected` tells it too."""
    if isinstance(answer, NotARequest):
        return [{"code": answer.code, "field": "", "message": answer.message}]
    return [
        {"code": fault.code, "field": fault.field, "message": fault.message}
        for fault in answer.faults
    ]


def _accepted(answer: Accepted) -> dict[str, Any]:
    about = {
        "dry_run": answer.dry_run or None,
        "job": answer.job,
        "ticket": answer.ticket,
        "messages": list(answer.messages) or None,
        "delivery": answer.delivery,
        "list": answer.list,
        "campaign": answer.campaign,
    }
    explained = {"explained": dict(answer.explained)} if answer.explained else {}
    return {**_given(about), "counts": dict(answer.counts), **answer.money, **explained}


def _positive(answer: Accepted | Done, rest: Mapping[str, Any]) -> dict[str, Any]:
    about = {"command": answer.command, "request_id": answer.request_id}
    warnings = [{"field": notice.field, "message": notice.message} for notice in answer.notices]
    return {"v": VERSION, "ok": True, **_given(about), **rest, **_given({"warnings": warnings})}


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, [])}
