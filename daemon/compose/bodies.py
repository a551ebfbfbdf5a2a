"""Bodies of text parts: encoded once around their slots, filled for each delivery.

Quoted-printable has a soft line break, which the reader drops. Each literal is encoded beforehand
and brought to the start of a line by one; a value is encoded by itself and brought there too. So
pieces that know nothing of each other join into a lawful whole, no line above 76 columns. A part
that is mostly not ASCII is smaller in base64, which can't be joined: it is encoded whole each time.

Whatever comes out is 7-bit, has CRLF for its only line end, and ends in it (S5, S8, D25, D26). No
line begins with a dot, so that no relay can stumble over one (RFC 5321 4.5.2): a slot is often
followed by a full stop.
"""

import html
import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from daemon.compose import kept
from daemon.mail.template import Template

_SHORT = re.compile(r"(?!\.)[ -<>-~]{1,75}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LAWFUL = re.compile(rb"(?>(?:(?!\.)[\t -~]{0,998}+\r\n)*)")
_DOTS = re.compile(rb"^\.{1,24}", re.MULTILINE)
_BASE64_WIDTH = 76


class Body(Protocol):
    """What a part carries."""

    @property
    def encoding(self) -> str:
        """Its Content-Transfer-Encoding."""

    def octets(self, values: Mapping[str, str], /) -> bytes:
        """What goes on the wire for these values, ending in CRLF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """The same octets for everybody."""

    data: bytes
    encoding: str = "7bit"

    def octets(self, _values: Mapping[str, str], /) -> bytes:
        """The octets themselves."""
        return self.data


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """Quoted-printable literals with slots between them."""

    literals: tuple[bytes, ...]
    slots: tuple[str, ...]
    is_html: bool
    encoding: str = "quoted-printable"

    def octets(self, values: Mapping[str, str], /) -> bytes:
        """The literals and, between them, each value encoded once however often it stands there."""
        fillings = {
            slot: quoted(_fitted(values[slot], is_html=self.is_html)) for slot in {*self.slots}
        }
        pieces = [b""] * (2 * len(self.slots) + 1)
        pieces[::2] = self.literals
        pieces[1::2] = [fillings[slot] for slot in self.slots]
        return b"".join(pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A template that is encoded in base64 only when its slots are filled."""

    template: Template
    is_html: bool
    encoding: str = "base64"

    def octets(self, values: Mapping[str, str], /) -> bytes:
        """The filled text in base64."""
        fillings = {
            slot: _fitted(values[slot], is_html=self.is_html) for slot in {*self.template.slots}
        }
        return based(_wire(self.template.filled(fillings)))


@kept.of_short
def body(template: Template, *, is_html: bool) -> Body:
    """The body that carries a template with the fewest octets; its values are escaped for HTML."""
    *opening, last = map(_unified, template.literals)
    literals = (*opening, last if last.endswith("\n") else f"{last}\n")
    raw = _wire("".join(literals))
    if not template.slots and _LAWFUL.fullmatch(raw):
        return Fixed(data=raw)
    pieces = tuple(map(quoted, literals))
    is_quoted = sum(map(len, pieces)) <= _based_length(len(raw))
    if template.slots:
        if is_quoted:
            return Quoted(literals=pieces, slots=template.slots, is_html=is_html)
        return Whole(template=Template(literals=literals, slots=template.slots), is_html=is_html)
    if is_quoted:
        return Fixed(data=pieces[0], encoding="quoted-printable")
    return Fixed(data=based(raw), encoding="base64")


def unfit(text: str) -> str | None:
    """Why a text can't go into a body, if it can't.

    Readers disagree on NUL, and half a surrogate pair is no character.
    """
    if "\0" in text:
        return "NUL"
    return "lone surrogate" if not text.isascii() and _SURROGATE.search(text) else None


def quoted(text: str) -> bytes:
    """Quoted-printable octets of a text whose line ends are LF; they end where a line starts."""
    if _SHORT.fullmatch(text):
        return text.encode("ascii") + b"=\r\n"
    # The `=` stands in for what will follow: with it encoded, there is room for a soft break.
    coded = _dotless(b2a_qp(text.encode() + b"=").removesuffix(b"=3D"))
    if coded and not coded.endswith(b"\n"):
        coded += b"=\n"
    return coded.replace(b"\n", b"\r\n")


def _dotless(coded: bytes) -> bytes:
    """The same with the dots at the start of lines encoded, and a soft break behind them."""
    while _DOTS.search(coded):
        coded = _DOTS.sub(lambda dots: b"=2E" * len(dots[0]) + b"=\n", coded)
    return coded


def based(octets: bytes) -> bytes:
    """Base64 in lines of 76 columns (RFC 2045 6.8), the last one ended too."""
    coded = b2a_base64(octets, newline=False)
    lines = [coded[at : at + _BASE64_WIDTH] for at in range(0, len(coded), _BASE64_WIDTH)]
    return b"\r\n".join([*lines, b""])


def _based_length(octets: int) -> int:
    """How many octets so many are in base64, line ends included."""
    coded = -(-octets // 3) * 4
    return coded + 2 * -(-coded // _BASE64_WIDTH)


def _fitted(value: str, *, is_html: bool) -> str:
    """A value as its part may take it: one kind of line end, and no markup of its own (S36)."""
    value = _unified(value)
    return html.escape(value) if is_html else value


def _unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _wire(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()
