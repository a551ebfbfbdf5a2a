"""Header fields as lines: cleaned, encoded, folded, and checked once more as a whole.

We write every field ourselves, because a writer that decodes the encoded words it is given can be
talked into writing a header of the tenant's (reliability 0.1 item 9). Ours takes text as text: an
encoded word in the input leaves here encoded itself, so that a receiver reads its letters.
"""

import functools
import re
from binascii import b2a_base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import quoprimime
from email.utils import format_datetime

from daemon.mail.template import Template

SEPARATOR = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What no header may hold, decoded: some reader's line end, a control, half a character (S1)."""
REORDERING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Bidirectional controls, with which a name could be made to read as another's (S9)."""

_SPACED = re.compile(rf"(?:{SEPARATOR.pattern}|\t)(?>(?:{SEPARATOR.pattern}|[\t ])*)")
_WORD = re.compile(r" +[^ ]+")
_ATOMS = re.compile(r"[A-Za-z0-9'_-]+(?: [A-Za-z0-9'_-]+)*")
_QUOTABLE = re.compile(r'["\\]')

_WIDTH = 78
"""Columns of a line when it can be helped (RFC 5322 2.1.1)."""
_ENCODED_WIDTH = 76
"""The same for a line with encoded words (RFC 2047 2)."""
_SHORT_NAME = 60

# An encoded word holds at most 52 letters, so that the first one fits behind its header's name, and
# whole characters only (RFC 2047 5): no cut inside `=XX`, none before a continuation octet.
_Q_PIECE = re.compile(r".{1,52}(?<!=)(?<!=.)(?!=[89AB])")
_B_PIECE = re.compile(rb".{1,39}(?![\x80-\xbf])", re.DOTALL)
_Q_PREFIX, _SUFFIX = "=?utf-8?q?", "?="


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A header field from a template: written once or, with slots, for each delivery."""

    name: str
    template: Template
    address: str | None = None
    """Given when the field is a mailbox, with the template for its display name."""
    once: str | None = None

    def lines(self, values: Mapping[str, str]) -> str:
        """The field's lines for these values."""
        return self.once if self.once is not None else self._written(values)

    def _written(self, values: Mapping[str, str]) -> str:
        text = self.template.filled(values)
        if self.address is None:
            return unstructured(self.name, text)
        return mailbox(self.name, text, self.address)


def field(name: str, template: Template, *, address: str | None = None) -> Field:
    """A field, already written if it is the same for everybody."""
    unwritten = Field(name=name, template=template, address=address)
    return unwritten if template.slots else replace(unwritten, once=unwritten.lines({}))


def clean(text: str) -> str:
    """The text without separators, a space in their stead, and without space around it."""
    return (text if text.isprintable() else _SPACED.sub(" ", text)).strip(" ")


def unstructured(name: str, text: str) -> str:
    """A field of free text, `Subject` and its like; the text is cleaned here."""
    text = clean(text)
    if text.isascii() and "=?" not in text:
        if text and len(name) + len(text) + 2 <= _WIDTH:
            return f"{name}: {text}\r\n"
        words = _WORD.findall(f" {text}")
        if max(map(len, words), default=0) < _WIDTH - len(name):
            return _folded(name, words, _WIDTH)
    return _folded(name, _encoded_words(text), _ENCODED_WIDTH)


def mailbox(name: str, display: str, address: str) -> str:
    """A field with one address; the display name is cleaned here, the address must be lawful."""
    display = clean(display if display.isascii() else REORDERING.sub("", display))
    if not display:
        return f"{name}: {address}\r\n"
    return _folded(name, [*_phrase(display), f" <{address}>"], _ENCODED_WIDTH)


def are_sound(block: bytes, names: tuple[str, ...]) -> bool:
    """Whether a header holds exactly these fields, in this order and in lawful lines.

    The empty line belongs to it. This is the last wall against injection (S1).
    """
    return _shape(names).fullmatch(block) is not None


@functools.lru_cache(maxsize=256)
def date_line(date: datetime) -> str:
    """The `Date` field of an aware datetime, in UTC; the deliveries of a batch share theirs."""
    if date.tzinfo is None:
        raise ValueError("a Date needs its zone")
    return f"Date: {format_datetime(date.astimezone(UTC))}\r\n"


def _phrase(display: str) -> list[str]:
    """A display name as words to fold between."""
    if len(display) > _SHORT_NAME or not display.isascii() or "=?" in display:
        return _encoded_words(display)
    if _ATOMS.fullmatch(display):
        return [f" {display}"]
    return [' "' + _QUOTABLE.sub(r"\\\g<0>", display) + '"']


def _encoded_words(text: str) -> list[str]:
    """RFC 2047 words in the shorter of its two spellings, each behind a space."""
    octets = text.encode()
    spelled = quoprimime.header_encode(octets, "utf-8")[len(_Q_PREFIX) : -len(_SUFFIX)]
    if len(spelled) <= (len(octets) + 2) // 3 * 4:
        return [f" {_Q_PREFIX}{piece}{_SUFFIX}" for piece in _Q_PIECE.findall(spelled)]
    pieces = (b2a_base64(piece, newline=False).decode() for piece in _B_PIECE.findall(octets))
    return [f" =?utf-8?b?{piece}{_SUFFIX}" for piece in pieces]


def _folded(name: str, words: Iterable[str], width: int) -> str:
    """The field's lines, broken before a word's own leading space, so that unfolding is exact."""
    lines, line = "", f"{name}:"
    for word in words:
        if len(line) + len(word) > width and not line.endswith(":"):
            lines, line = f"{lines}{line}\r\n", ""
        line += word
    return f"{lines}{line}\r\n"


@functools.lru_cache(maxsize=64)
def _shape(names: tuple[str, ...]) -> re.Pattern[bytes]:
    line = r"[ -~\x80-\xff]{1,900}+\r\n"
    fields = (rf"{name}:(?:\r\n| {line}(?>(?: (?! *+\r){line})*))" for name in names)
    return re.compile("".join((*fields, r"\r\n")).encode("ascii"))
