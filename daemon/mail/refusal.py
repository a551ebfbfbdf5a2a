"""How we say no: one vocabulary for every door and dialect (requirements 2.7).

A refusal is a value, never an exception. There are two kinds. `Refused` answers a request that was
understood and can't be done: it holds all its faults at once, nothing was stored, and it is never
dead-lettered. `NotARequest` says that a parcel is none at all; it goes to the dead letters with its
code as the reason. Neither repeats what the sender wrote (promise 10): a message says what would
have been right, and only the names of fields travel back.
"""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """What was wrong, in words that every dialect renders into its own."""

    AUTH_MISSING = "auth.missing"
    AUTH_INVALID = "auth.invalid"
    FORBIDDEN_ROLE = "forbidden.role"
    FORBIDDEN_PLAN = "forbidden.plan"
    CREDIT_INSUFFICIENT = "credit.insufficient"
    PARAM_MISSING = "param.missing"
    PARAM_INVALID = "param.invalid"
    AUDIENCE_EMPTY = "audience.empty"
    NOT_FOUND = "not_found"
    STATE_CONFLICT = "state.conflict"
    DUPLICATE_REQUEST = "duplicate.request"
    """The same key with another body; the same body gets the first answer again."""
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate.limited"
    INTERNAL = "internal"
    # what is no request at all
    BAD_JSON = "bad_json"
    BAD_ENCODING = "bad_encoding"
    """The content type or encoding is none we read, or the body isn't what it declares."""
    UNKNOWN_TYPE = "unknown.type"
    UNKNOWN_COMMAND = "unknown.command"
    UNSUPPORTED_VERSION = "unsupported.version"


NO_REQUEST = frozenset(
    {Code.BAD_JSON, Code.BAD_ENCODING, Code.TOO_LARGE, Code.UNKNOWN_TYPE, Code.UNKNOWN_COMMAND}
    | {Code.UNSUPPORTED_VERSION}
)
"""Codes of a `NotARequest`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with a request."""

    code: Code
    field: str = ""
    """Where: `audience[0].items[3].address`; empty = the request as a whole."""
    message: str
    """What would have been right, for a person; never what was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something a request's sender should know though it was accepted."""

    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A request that can't be done, with everything that is wrong with it."""

    faults: tuple[Fault, ...]
    """At least one."""
    command: str | None = None
    request_id: str | None = None
    """The key that the sender knows it by, the body's or the parcel's, when it was a fit one."""
    customer_id: int | None = None
    """For whom the request says it speaks; believed like a principal's (design 7), as the next."""
    person_id: int | None = None
    api_key_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotARequest:
    """A parcel that is no request: for the dead letters, with `code` as the reason."""

    code: Code
    message: str


def refused(code: Code, message: str, *, field: str = "") -> Refused:
    """A refusal for a single fault."""
    return Refused(faults=(Fault(code=code, field=field, message=message),))
