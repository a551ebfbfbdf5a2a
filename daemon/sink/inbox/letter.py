"""One mail taken apart, as far as it can be: headers, text, HTML, attachments. Pure.

A mail may be anything, so nothing here trusts it, and nothing here raises.
"""

import base64
import email
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message

from daemon.sink.show import decoded

_CID = re.compile(rb"cid:([^\"'\s>)]+)", re.IGNORECASE)
_HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)
_NEW_TAB = '<base target="_blank">'
"""Links of a mail open beside the inbox, never in its place."""
_SHOWN_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A part that isn't the mail's own text."""

    name: str
    kind: str
    """Its content type, as the mail has it."""
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a person wants to see of a mail."""

    headers: tuple[tuple[str, str], ...]
    """In their order, unfolded, encoded words read."""
    text: str | None
    html: str | None
    """With its embedded images in it, fit for a frame of its own."""
    attached: tuple[Attached, ...]

    def header(self, name: str) -> str:
        """The first of that name; empty when there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")


def opened(content: bytes) -> Letter:
    """The mail in some octets."""
    mail = email.message_from_bytes(content)
    text: str | None = None
    html: str | None = None
    attached: list[Attached] = []
    embedded: dict[bytes, bytes] = {}
    for part in mail.walk():
        if part.is_multipart():
            continue
        kind, is_own = part.get_content_type(), not _is_file(part)
        if is_own and kind == "text/plain" and text is None:
            text = _text(part)
        elif is_own and kind == "text/html" and html is None:
            html = _text(part)
        else:
            attached.append(_attached(part, len(attached) + 1))
            _embed(part, attached[-1], embedded)
    return Letter(
        headers=tuple((name, _unfolded(str(value))) for name, value in mail.items()),
        text=text,
        html=None if html is None else _framed(html, embedded),
        attached=tuple(attached),
    )


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _octets(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(part: Message) -> str:
    try:
        return _octets(part).decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:  # a character set that nobody knows
        return _octets(part).decode("utf-8", "replace")


def _attached(part: Message, place: int) -> Attached:
    name = decoded(part.get_filename() or "") or f"part-{place}"
    return Attached(
        name=re.sub(r"[^\w.,()+ -]", "_", name)[-100:],
        kind=part.get_content_type(),
        content=_octets(part),
    )


def _embed(part: Message, file: Attached, embedded: dict[bytes, bytes]) -> None:
    name = str(part.get("Content-ID") or "").strip().strip("<>")
    if name and file.kind in _SHOWN_INLINE:
        data = base64.b64encode(file.content)
        embedded[name.encode("utf-8", "replace")] = b"data:%s;base64,%s" % (
            file.kind.encode(),
            data,
        )


def _framed(html: str, embedded: Mapping[bytes, bytes]) -> str:
    octets = html.encode("utf-8", "replace")
    octets = _CID.sub(lambda found: embedded.get(found[1], found[0]), octets)
    shown = octets.decode("utf-8", "replace")
    head = _HEAD.search(shown)
    at = head.end() if head else 0
    return f"{shown[:at]}{_NEW_TAB}{shown[at:]}"


def _unfolded(value: str) -> str:
    return decoded(re.sub(r"[\r\n]+[ \t]*", " ", value))
