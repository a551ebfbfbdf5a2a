"""The kinds of cell: how a text, or a JSON value, becomes a value that the database takes.

A value here is its text in Postgres' own form, as COPY and casts read it; a blank cell is NULL.
Each check gives that text back or raises `ValueError` with what would have been right, and never
quotes. What an export writes is read again as the same value, from CSV and from JSON.
"""

import functools
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from daemon.mail import address, template, texts

LONGEST_LINE = 256
"""Characters of a name, and of whatever else is one line."""
LONGEST_SUBJECT = 998
"""Octets: the longest line of a message (RFC 5322 2.1.1)."""
LONGEST_TEXT = 4_000_000
LONGEST_ADDRESS = 320
"""Characters: one that breaks a rule is kept as it is, but an index must hold it."""
MOST_FIELDS = 30
"""Fields of a contact besides those that have a name."""
LARGEST = 2**63 - 1

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_DIGITS = re.compile(r"[0-9]{1,19}")
_DECIMAL = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10})?")
_FLAGS = {
    **dict.fromkeys(("true", "t", "yes", "1"), "true"),
    **dict.fromkeys(("false", "f", "no", "0"), "false"),
}
_ACCESS = {"0": 0, "none": 0, "1": 1, "full": 1, "2": 2, "read": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a cell may hold."""

    read: Callable[[str], str] | None = None
    """The value of a cell that isn't blank; None: any one line is."""
    written: Callable[[Any], str] | None = None
    """The cell that a JSON value stands for; None: text only."""
    json: Callable[[str], Any] = str
    """The JSON value of an exported cell."""
    longest: int = LONGEST_LINE
    forms: bool = False
    """Whether it is one address, which is stored in all its forms, and may be one that is none."""


def cell(kind: Kind, value: object) -> str:
    """The cell that a JSON value stands for; null is a blank one."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if kind.written is None:
        raise ValueError("must be text")
    return kind.written(value)


def read(kind: Kind, text: str) -> str:
    """The value of one cell that isn't blank."""
    if len(text) > kind.longest:
        raise ValueError(f"must have at most {kind.longest:,} characters")
    texts.text(text)
    if not text.isascii() and not _is_unicode(text):
        raise ValueError("must be UTF-8")
    return texts.line(text) if kind.read is None else kind.read(text)


def number(low: int = 1, high: int = LARGEST) -> Kind:
    """A whole number between two others."""
    return Kind(read=functools.partial(_number, low, high), written=_written_number, json=int)


def choice(*words: str) -> Kind:
    """One of some words."""
    return Kind(read=functools.partial(_choice, words))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # octets that were none, kept by the decoder
        return False
    return True


def _number(low: int, high: int, text: str) -> str:
    bare = text.strip()
    if not _DIGITS.fullmatch(bare) or not low <= int(bare) <= high:
        raise ValueError(f"must be a whole number from {low} to {high}")
    return str(int(bare))


def _written_number(value: object) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("must be a whole number")  # noqa: TRY004 - every fault of a cell is one
    return str(value)


def _choice(words: tuple[str, ...], text: str) -> str:
    bare = text.strip()
    if bare not in words:
        raise ValueError(f"must be one of {', '.join(words)}")
    return bare


def _flag(text: str) -> str:
    found = _FLAGS.get(text.strip().lower())
    if found is None:
        raise ValueError("must be true or false")
    return found


def _written_flag(value: object) -> str:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004
    return str(value).lower()


def _decimal(text: str) -> str:
    bare = text.strip()
    if not _DECIMAL.fullmatch(bare):
        raise ValueError("must be a number such as 1.001005678, with at most 10 decimals")
    return bare


def _moment(text: str) -> str:
    return texts.moment(text.strip()).isoformat()


def _mailbox(text: str) -> str:
    found = address.check(text)
    if isinstance(found, address.Invalid):
        raise ValueError(f"must be one address such as ann@example.com ({found.reason})")  # noqa: TRY004
    return found.address


def _author(text: str) -> str:
    return template.fit(texts.line(texts.upright(text)))


def _subject(text: str) -> str:
    if len(text.encode()) > LONGEST_SUBJECT:
        raise ValueError(f"must have at most {LONGEST_SUBJECT} octets")
    return template.fit(texts.line(text))


def _content(text: str) -> str:
    return template.fit(texts.text(text))


def _addressee(text: str) -> str:
    return texts.line(text.strip())


def _addressees(text: str) -> str:
    """Several addresses, separated by spaces, with the forms of each."""
    found = [_forms(word) for word in texts.line(text).split()]
    if len({one["norm"] for one in found}) < len(found):
        raise ValueError("must name no address twice")
    return orjson.dumps(found).decode()


def _forms(word: str) -> dict[str, str | None]:
    if len(word) > LONGEST_ADDRESS:
        raise ValueError(f"must have addresses of at most {LONGEST_ADDRESS} characters")
    norm, supp, domain, fault = address.forms(word)
    return {"address": word, "norm": norm, "supp": supp, "domain": domain, "fault": fault or None}


def _written_words(value: object) -> str:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError("must be a list of texts")
    if any(len(word.split()) != 1 for word in value):
        raise ValueError("must be a list of texts without spaces")
    return " ".join(value)


def _networks(text: str) -> str:
    try:
        found = {ipaddress.ip_network(word): None for word in text.split()}
    except ValueError:
        raise ValueError("must be networks such as 192.0.2.0/24 or 2001:db8::/32") from None
    return f"{{{','.join(map(str, found))}}}"


def _fields(text: str) -> str:
    """An object of texts; numbers and the like are taken as their text."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("must be a JSON object") from None
    return _written_fields(found)


def _written_fields(value: object) -> str:
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004
    if len(value) > MOST_FIELDS:
        raise ValueError(f"must have at most {MOST_FIELDS} fields")
    if not all(0 < len(name) <= LONGEST_LINE for name in value):
        raise ValueError(f"must have names of 1 to {LONGEST_LINE} characters")
    if any(isinstance(one, dict | list) for one in value.values()):
        raise ValueError("must have texts as values")
    text = orjson.dumps({name: _as_text(one) for name, one in value.items()}).decode()
    if r"\u0000" in text:
        raise ValueError("must not hold the character NUL")
    return text


def _as_text(value: object) -> str | None:
    """What a number or a truth is written as."""
    if value is None or isinstance(value, str):
        return value
    return _dumped(value)


def _dumped(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        raise ValueError("must have numbers that fit 64 bits") from None


def _pairs(read_one: Callable[[str], Any], wanted: str, text: str) -> str:
    """`name=value name=value`, as an object."""
    found: dict[str, Any] = {}
    for word in text.split():
        name, _, value = word.partition("=")
        if not _NAME.fullmatch(name) or name in found:
            raise ValueError(f"must be pairs such as {wanted}, each name once")
        found[name] = read_one(value)
    return orjson.dumps(found).decode()


def _access(text: str) -> int:
    if text not in _ACCESS:
        raise ValueError("must give access 0 (none), 1 (full) or 2 (read-only)")
    return _ACCESS[text]


def _allowance(text: str) -> bool:
    return _flag(text) == "true"


def _accesses(privileges: tuple[str, ...], text: str) -> str:
    found = _pairs(_access, "send_emails=1", text)
    if not orjson.loads(found).keys() <= set(privileges):
        raise ValueError(f"must name privileges of these: {', '.join(privileges)}")
    return found


def _written_pairs(value: object) -> str:
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004
    words = [f"{name}={_dumped(one)}" for name, one in value.items()]
    if any(len(word.split()) != 1 for word in words):
        raise ValueError("must have names without spaces")
    return " ".join(words)


def _unpaired(read_one: Callable[[str], Any], text: str) -> dict[str, Any]:
    return orjson.loads(_pairs(read_one, "", text)) if text else {}


def accesses(*privileges: str) -> Kind:
    """What somebody may do: `send_emails=1 view_reports=2`."""
    return Kind(
        read=functools.partial(_accesses, privileges),
        written=_written_pairs,
        json=functools.partial(_unpaired, _access),
        longest=4_000,
    )


LINE = Kind()
TEXT = Kind(read=texts.text, longest=LONGEST_TEXT)
"""As many lines as one likes."""
AUTHOR = Kind(read=_author)
"""The name that mail is from, a template like the next two."""
SUBJECT = Kind(read=_subject, longest=LONGEST_SUBJECT)
CONTENT = Kind(read=_content, longest=LONGEST_TEXT)
ID = number()
FLAG = Kind(read=_flag, written=_written_flag, json="true".__eq__)
PRICE = Kind(read=_decimal)
"""Exact; in JSON a text, too."""
MOMENT = Kind(read=_moment)
"""An instant, with its offset."""
ZONE = Kind(read=texts.zone)
MAILBOX = Kind(read=_mailbox)
"""One address that breaks no rule."""
ADDRESSEE = Kind(read=_addressee, longest=LONGEST_ADDRESS, forms=True)
"""Somebody's address as it is, with its forms."""
ADDRESSEES = Kind(read=_addressees, written=_written_words, json=str.split, longest=4_000)
"""Several, separated by spaces."""
NETWORKS = Kind(read=_networks, written=_written_words, json=str.split, longest=4_000)
FIELDS = Kind(read=_fields, written=_written_fields, json=orjson.loads, longest=65_536)
"""Further fields of a contact, by their names."""
ALLOWANCES = Kind(
    read=functools.partial(_pairs, _allowance, "send_emails=true"),
    written=_written_pairs,
    json=functools.partial(_unpaired, _allowance),
    longest=4_000,
)
"""What a plan permits: `send_emails=true`."""
