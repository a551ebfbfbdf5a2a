"""sms.by, API version 2: `sendEmail`, one mail to one address.

The vendor names the method in the path and takes a form; on the queue the form is a JSON object
whose field `method` names the method. The mapping is that of requirements 2.4, the answers are of
2.5 and 2.7; README.md tells what was decided where the vendor says nothing.
"""

import functools
import html
import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from itertools import islice
from typing import TypeVar, assert_never

import orjson

from daemon.dialects.dialect import Credentials, Dialect, Fields
from daemon.mail import window
from daemon.mail.refusal import Code, NotARequest, Notice, Refused, refused
from daemon.mail.request import kinds, send
from daemon.mail.request.answers import Accepted, Answer, Done
from daemon.mail.request.decode import Decoded
from daemon.mail.request.findings import Findings
from daemon.mail.request.recipients import Recipient, Recipients
from daemon.mail.request.rules import Purpose, Setting

T = TypeVar("T")

NAME = "smsby"
METHOD = "sendEmail"

_FIELDS = frozenset(
    {
        "method",
        "token",
        "sender_email",
        "sender_name",
        "subject",
        "message",
        "attachment",
        "email",
        "d_schedule",
        "track_open",
        "track_click",
    }
)
_MOST_UNKNOWN = 20
"""Unknown fields that are named."""
_FLAGS = {"1": True, "true": True, "0": False, "false": False}
_SCHEDULE = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d)", re.ASCII)
_TAG = re.compile(r"<(?:/?[a-zA-Z][a-zA-Z0-9-]*(?:\s[^<>]*)?/?>|!)")
_LINE_END = re.compile(r"\r\n?|\n")

_THEIRS = {
    "audience": "email",
    "audience[0].items[0].address": "email",
    "delivery.not_before": "d_schedule",
    "messages[0].from.address": "sender_email",
    "messages[0].from.name": "sender_name",
    "messages[0].html": "message",
    "messages[0].subject": "subject",
}
"""Our names of fields, in faults that are found after the mapping, and theirs."""

_STATUS = {
    Code.AUTH_MISSING: 401,
    Code.AUTH_INVALID: 401,
    Code.FORBIDDEN_ROLE: 403,
    Code.FORBIDDEN_PLAN: 403,
    Code.CREDIT_INSUFFICIENT: 402,
    Code.NOT_FOUND: 404,
    Code.STATE_CONFLICT: 409,
    Code.DUPLICATE_REQUEST: 409,
    Code.RATE_LIMITED: 429,
    Code.INTERNAL: 500,
}
_WRONG = 421
"""What the vendor answers to data that isn't valid: every other code of ours."""


def credentials(fields: Fields) -> Credentials | Refused | NotARequest:
    """The token of the call; nothing else of it is looked at yet."""
    if fields.get("method") != METHOD:
        message = f"`method` must be {METHOD}, the one method that this daemon serves"
        return NotARequest(code=Code.UNKNOWN_COMMAND, message=message)
    token = fields.get("token")
    if not isinstance(token, str) or not token.strip():
        return refused(Code.AUTH_MISSING, "is required", field="token")
    return Credentials(scheme="form_token", secret=token.strip())


def parse(fields: Fields, *, zone: tzinfo, setting: Setting) -> Decoded | Refused:
    """The one mail that the call asks for."""
    form = _Form(fields)
    form.refuse_unknown()
    address = functools.partial(kinds.mailbox, rules=setting.rules)
    message = send.Message(
        from_=send.From(
            address=form.need("sender_email", address),
            name=form.may("sender_name", _trimmed(kinds.author)),
        ),
        subject=form.need("subject", _trimmed(kinds.subject)),
        html=form.need("message", _html),
    )
    email = form.need("email", functools.partial(address, allow_utf8=True))
    delivery = _delivery(form, zone, setting)
    if form.findings:
        return Refused(faults=form.findings.faults, command=METHOD)
    request = _send(email, message, delivery, setting)
    source = {name: value for name, value in fields.items() if name != "token"}
    return Decoded(request=request, notices=_notices(delivery, setting), source=source)


def render(answer: Answer) -> bytes:
    """`{"status":"OK","result":{"email_id":…}}`, or `{"status":"error","message":…}`."""
    match answer:
        case Accepted(delivery=int(email_id)):
            return orjson.dumps({"status": "OK", "result": {"email_id": email_id}})
        case Accepted():
            return _error("email: reaches nobody")
        case Done():
            return orjson.dumps({"status": "OK"})
        case Refused(faults=faults):
            named = ((_THEIRS.get(fault.field, fault.field), fault.message) for fault in faults)
            return _error("; ".join(": ".join(filter(None, parts)) for parts in named))
        case NotARequest(message=message):
            return _error(message)
    assert_never(answer)


def http_status(answer: Answer) -> int:
    """The status of requirements 2.7; the first fault's, when there are several."""
    match answer:
        case Refused(faults=(first, *_)):
            return _STATUS.get(first.code, _WRONG)
        case Refused() | NotARequest() | Accepted(delivery=None):
            return _WRONG
    return 200


class _Form:
    """The fields of one call. What is empty counts as absent, as in any form."""

    __slots__ = ("_fields", "findings")

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self.findings = Findings()

    def refuse_unknown(self) -> None:
        """A field that we don't know, or whose effect we don't have, is never passed over."""
        strange = (name for name in self._fields if name not in _FIELDS)
        for name in islice(strange, _MOST_UNKNOWN):
            self.findings.unknown(name, _FIELDS)
        if self._fields.get("attachment") not in (None, ""):
            self.findings.invalid("is not supported by this daemon", "attachment")

    def need(self, name: str, check: Callable[[str], T]) -> T | None:
        """A field that must be there; None only together with a fault."""
        if _is_empty(self._fields.get(name)):
            self.findings.add(Code.PARAM_MISSING, (name,), "is required")
        return self.may(name, check)

    def may(self, name: str, check: Callable[[str], T]) -> T | None:
        """A field that may be there, as `check` gives it back."""
        value = self._fields.get(name)
        if _is_empty(value):
            return None
        try:
            if isinstance(value, str):
                return check(value)
            self.findings.invalid("must be text", name)
        except ValueError as error:
            self.findings.invalid(str(error), name)
        return None

    def flag(self, name: str) -> bool:
        """1 or 0, as number, text or truth value; 1 when absent (the vendor's default)."""
        value = self._fields.get(name)
        if _is_empty(value):
            return True
        written = str(value).strip().lower() if isinstance(value, str | int) else ""
        if written not in _FLAGS:
            self.findings.invalid("must be 1 or 0", name)
        return _FLAGS.get(written, True)


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _trimmed(check: Callable[[str], str]) -> Callable[[str], str]:
    """The check, of the text without the white space around it."""
    return lambda value: check(value.strip())


def _html(message: str) -> str:
    """The content as HTML: without any tag it is text, whose lines are kept (Q20)."""
    checked = kinds.content(message)
    if _TAG.search(checked):
        return checked
    return _LINE_END.sub("<br>\n", html.escape(checked, quote=False))


def _due(schedule: str, zone: tzinfo, setting: Setting) -> datetime:
    """The instant of a local time: moved on by a gap it falls into, and the first of two (Q15)."""
    found = _SCHEDULE.fullmatch(schedule.strip())
    if found is None:
        raise ValueError("must be a time such as 2030-12-31 12:00")
    year, month, day, hour, minute = map(int, found.groups())
    try:
        instant = window.instant(datetime(year, month, day, hour, minute), zone)  # noqa: DTZ001
    except (ValueError, OverflowError):
        raise ValueError("must be a date and time that exist") from None
    return kinds.within_horizon(instant, setting)


def _delivery(form: _Form, zone: tzinfo, setting: Setting) -> send.Delivery:
    due = form.may("d_schedule", lambda schedule: _due(schedule, zone, setting))
    return send.Delivery(
        not_before=due,
        not_before_raw=None if due is None else form.may("d_schedule", str.strip),
        expires_after=setting.rules.expires_after,
        doubt=setting.rules.doubt[Purpose.TRANSACTIONAL],
        transport=send.Transport(default=True),
        track_open=form.flag("track_open"),
        track_click=form.flag("track_click"),
    )


def _send(
    email: str | None, message: send.Message, delivery: send.Delivery, setting: Setting
) -> send.Send:
    """A single letter, and so transactional: unsubscriptions don't hold it back (Q24)."""
    recipient = Recipient(address=email, name=None, vars={})
    return send.Send(
        command="send",
        dialect=NAME,
        purpose=Purpose.TRANSACTIONAL,
        class_=setting.class_of(Purpose.TRANSACTIONAL, large=False),
        audience=(Recipients(items=(recipient,)),),
        messages=(message,),
        delivery=delivery,
    )


def _notices(delivery: send.Delivery, setting: Setting) -> tuple[Notice, ...]:
    if delivery.not_before is None or delivery.not_before >= setting.now:
        return ()
    return (Notice(field="d_schedule", message="lies in the past: it is sent at once"),)


def _error(message: str) -> bytes:
    return orjson.dumps({"status": "error", "message": message})


DIALECT = Dialect(
    name=NAME,
    credentials=credentials,
    parse=parse,
    render=render,
    http_status=http_status,
    refuses_empty=True,
)
"""sms.by, as intake sees it."""
