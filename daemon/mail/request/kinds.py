"""The kinds of value that fields hold, as types: each is checked where it stands and nowhere else.

The functions are the checks themselves, for dialects too: they give the value back in canonical
form or raise `ValueError` with what would have been right, and must never quote the value.
"""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    Strict,
    ValidationInfo,
    WrapValidator,
)

from daemon.mail import address, template, texts
from daemon.mail.directory import cells
from daemon.mail.request.rules import DAY, Rules, Setting

KEY_LIMIT = 128
"""Characters of a request id."""
LARGEST_ID = 2**63 - 1
"""What the database can count to."""
NONE = 0
"""The id that stands for none, where a value may be taken away."""
SUBJECT_LIMIT = cells.LONGEST_SUBJECT
"""Octets."""
NAME_LIMIT = 256
"""Characters of a display name, of a mailing's name, and the like."""
EXPIRY_LIMIT = 366 * DAY
"""Seconds a delivery may be tried for at most."""

_DURATION = re.compile(r"(\d{1,9})(s|m|h|d)", re.ASCII)
_AMOUNT = re.compile(r"\d{1,10}(\.\d{1,8})?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": DAY}


def content(value: str) -> str:
    """Text of a message: a template (Q37)."""
    return texts.text(template.fit(value))


def name(value: str) -> str:
    """A display name: a line that doesn't turn the direction of what stands beside it (S9)."""
    if len(value) > NAME_LIMIT:
        raise ValueError(f"must have at most {NAME_LIMIT} characters")
    return texts.line(texts.upright(value))


def author(value: str) -> str:
    """The display name that a message is from: a template too."""
    return content(name(value))


def subject(value: str) -> str:
    """A subject, before its variables are filled in."""
    if len(value.encode()) > SUBJECT_LIMIT:
        raise ValueError(f"must have at most {SUBJECT_LIMIT} octets")
    return content(texts.line(value))


def mailbox(value: str, rules: Rules, *, allow_utf8: bool = False) -> str:
    """One address in its wire form; ASCII before the `@` where any relay must take it (Q6)."""
    found = address.check(value, allow_utf8=allow_utf8, need_dot=rules.needs_dot)
    if isinstance(found, address.Invalid):
        raise ValueError(f"must be one address such as ann@example.com ({found.reason})")  # noqa: TRY004
    return found.address


def within_horizon(value: datetime, setting: Setting) -> datetime:
    """A time for which something may be scheduled; the past is fit, it means at once (Q16)."""
    if value - setting.now > setting.rules.horizon:
        raise ValueError(f"must not be more than {setting.rules.horizon.days} days ahead")
    return value


def seconds(value: object) -> object:
    """A length of time: whole seconds, or text with a unit such as `90m` or `5d`."""
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value)
    if found is None:
        raise ValueError("must be whole seconds, or text such as 30s, 90m, 12h or 5d")
    return int(found[1]) * _SECONDS[found[2]]


def amount(value: object) -> Decimal:
    """An amount of money, more than nothing; as text, since a number in JSON may not be exact."""
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value) or not Decimal(value):
        raise ValueError('must be text such as "100" or "12.50", with up to 8 decimals')
    return Decimal(value)


def _text_or_none(value: object, check: Callable[[object], Any]) -> Any:
    return value if value == "" else check(value)


def _id_or_none(value: object, check: Callable[[object], Any]) -> Any:
    return NONE if value == "" else check(value)


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004
    return texts.moment(value)


def _mailbox(value: str, info: ValidationInfo) -> str:
    return mailbox(value, cast("Setting", info.context).rules)


def _addressee(value: str, info: ValidationInfo) -> str:
    return mailbox(value, cast("Setting", info.context).rules, allow_utf8=True)


def _within_horizon(value: datetime, info: ValidationInfo) -> datetime:
    return within_horizon(value, cast("Setting", info.context))


_TEXT = Annotated[str, Strict()]

Content = Annotated[_TEXT, AfterValidator(content)]
Line = Annotated[_TEXT, Field(max_length=NAME_LIMIT), AfterValidator(texts.line)]
Name = Annotated[_TEXT, AfterValidator(name)]
Author = Annotated[_TEXT, AfterValidator(author)]
Subject = Annotated[_TEXT, AfterValidator(subject)]
Mailbox = Annotated[_TEXT, AfterValidator(_mailbox)]
Addressee = Annotated[_TEXT, AfterValidator(_addressee)]
Key = Annotated[_TEXT, Field(min_length=1, max_length=KEY_LIMIT), AfterValidator(texts.line)]
Flag = Annotated[bool, Strict()]
Id = Annotated[int, Strict(), Field(ge=1, le=LARGEST_ID)]
Count = Annotated[int, Strict(), Field(ge=1, le=1_000_000)]
Moment = Annotated[datetime, BeforeValidator(_moment, json_schema_input_type=str)]
OptionalMailbox = Annotated[Mailbox, WrapValidator(_text_or_none)]
"""An empty text takes the value away; so in the next one, which is `NONE` then."""
OptionalId = Annotated[Id, WrapValidator(_id_or_none)]
Amount = Annotated[Decimal, BeforeValidator(amount, json_schema_input_type=str)]
Due = Annotated[Moment, AfterValidator(_within_horizon)]
Seconds = Annotated[
    int,
    Strict(),
    Field(ge=1, le=EXPIRY_LIMIT),
    BeforeValidator(seconds, json_schema_input_type=int | str),
]
