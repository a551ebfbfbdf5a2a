"""A native parcel becomes a request: `parcel` is the one way in, and it never raises.

What single fields can't tell is judged first (`Form.prepare`), then pydantic checks every field;
faults of both are collected, so that the sender hears of all at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
from pydantic import ValidationError

from daemon.mail import plan
from daemon.mail.refusal import Code, NotARequest, Notice, Refused
from daemon.mail.request import commands, kinds, mentions, parcel, send, timing
from daemon.mail.request.findings import Findings
from daemon.mail.request.forms import FORMS, Form, Request
from daemon.mail.request.parcel import Label
from daemon.mail.request.recipients import Reading, Spelling
from daemon.mail.request.rules import Setting

VERSION = 1

_NATIVE = frozenset({None, "", "native"})
_NESTED = frozenset({dict, list})
_OF_RECIPIENTS = frozenset({"audience", "exclude", "items"})
# Bounds of the work that a hostile document can ask for; none of our objects has half as many
# fields, so one that is cut here has unknown ones and is refused.
_MOST_FIELDS = 64
_MOST_ITEMS = 2 * commands.MANY
_DEPTH = 4
_SMALL = 64 * 1024
"""Octets of a document that may be looked at whole, whatever is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A request that is well formed. Whether it may be done, accept decides."""

    request: Request
    notices: tuple[Notice, ...] = ()
    source: Mapping[str, Any] = field(repr=False)
    """The document that it was read from, as `canonical_bytes` wants it."""


def native(body: bytes, label: Label, setting: Setting) -> Decoded | Refused | NotARequest:
    """The request that a parcel's body holds.

    `label` is what the parcel says of its body; `setting` the time, the queue and the rules.
    """
    if label.type not in _NATIVE:
        return NotARequest(code=Code.UNKNOWN_TYPE, message="the type must be native or a dialect")
    plain = parcel.unpack(body, label, limit=setting.rules.body)
    if isinstance(plain, NotARequest):
        return plain
    document = parcel.parse(plain)
    if isinstance(document, NotARequest):
        return document
    form = _form_of(document)
    if isinstance(form, NotARequest):
        return form
    reading = Reading(findings=Findings(), setting=setting, spelling=Spelling(plain))
    return _request(_present(document, plain), form, reading)


def canonical_bytes(source: Mapping[str, Any]) -> bytes:
    """What two bodies that ask for the same have in common, whatever the order of their names.

    The key itself isn't part of it. For the keyed hash by which a conflict is known (design 2.2).
    """
    rest = {name: value for name, value in source.items() if name != "request_id"}
    return orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)


def _form_of(document: dict[str, Any]) -> Form | NotARequest:
    version, command = document.get("v"), document.get("command")
    if type(version) is not int or version != VERSION:
        return NotARequest(code=Code.UNSUPPORTED_VERSION, message=f"`v` must be {VERSION}")
    form = FORMS.get(command) if isinstance(command, str) else None
    if form is None:
        message = f"`command` must be one of {', '.join(FORMS)}"
        return NotARequest(code=Code.UNKNOWN_COMMAND, message=message)
    return form


def _request(source: dict[str, Any], form: Form, reading: Reading) -> Decoded | Refused:
    fields = {name: value for name, value in source.items() if name != "v"}
    form.prepare(fields, reading)
    request = _checked(fields, form, reading)
    if request is None or reading.findings:
        return _refused(source, reading)
    return Decoded(request=request, notices=_notices(request, reading.setting), source=source)


def _checked(fields: dict[str, Any], form: Form, reading: Reading) -> Request | None:
    try:
        request = form.adapter.validate_python(fields, context=reading.setting)
    except ValidationError as error:
        reading.findings.add_all(error, form.names)
        return None
    match request:
        case commands.EventsReplay(from_=start, to=end) if start and end and end <= start:
            reading.findings.invalid("must be later than `from`", "to")
        case send.Send():
            timing.check(request, reading.findings)
        case commands.Deliveries(dropped=True, state=state) if state:
            reading.findings.invalid("must not be given with `dropped`", "state")
    return request


def _present(document: dict[str, Any], plain: bytes) -> dict[str, Any]:
    """The document without what is null, as null = absent (requirements 2).

    Recipients are left as they are: their reader sees to it, in passing.
    """
    if len(plain) <= _SMALL and b"null" not in plain:
        return document
    return {
        name: value if name in _OF_RECIPIENTS else _without_nulls(value, _DEPTH)
        for name, value in islice(document.items(), _MOST_FIELDS)
        if value is not None
    }


def _without_nulls(value: Any, depth: int) -> Any:
    if type(value) is dict and depth:
        return {
            name: _without_nulls(inner, depth - 1) if type(inner) in _NESTED else inner
            for name, inner in islice(value.items(), _MOST_FIELDS)
            if inner is not None
        }
    if type(value) is list and depth:
        return [_without_nulls(inner, depth - 1) for inner in islice(value, _MOST_ITEMS)]
    return value


def _refused(source: dict[str, Any], reading: Reading) -> Refused:
    """The refusal, with what its sender and intake know the request by, as far as that is fit."""
    key, named = source.get("request_id"), source.get("principal")
    is_fit = isinstance(key, str) and 0 < len(key) <= kinds.KEY_LIMIT and key.isprintable()
    return Refused(
        faults=reading.findings.faults,
        command=source["command"],
        request_id=key if is_fit else None,
        customer_id=_id(named, "customer_id"),
        person_id=_id(named, "person_id"),
        api_key_id=_id(named, "api_key_id"),
    )


def _id(principal: Any, name: str) -> int | None:
    number = principal.get(name) if isinstance(principal, dict) else None
    return number if type(number) is int and 0 < number <= kinds.LARGEST_ID else None


def _notices(request: Request, setting: Setting) -> tuple[Notice, ...]:
    match request:
        case send.Send(delivery=send.Delivery(not_before=due)):
            late = _past(due, "delivery.not_before", setting)
            return (*late, *_closed(request.delivery, setting), *mentions.unmet(request))
        case commands.Reschedule(not_before=due):
            return _past(due, "not_before", setting)
    return ()


def _past(due: datetime | None, place: str, setting: Setting) -> tuple[Notice, ...]:
    if due is None or due >= setting.now:
        return ()
    return (Notice(field=place, message="lies in the past: it is due at once"),)


def _closed(delivery: send.Delivery, setting: Setting) -> tuple[Notice, ...]:
    """That the window isn't open at the due time, and when it will be."""
    if delivery.send_window is None:
        return ()
    found = plan.of(delivery.wish, setting.now)
    asked = max(delivery.not_before or setting.now, setting.now)
    if isinstance(found, plan.Unfit) or found.due_at == asked:
        return ()
    told = f"is closed at the due time: it opens at {found.due_at.isoformat()}"
    return (Notice(field="delivery.send_window", message=told),)
