"""From a parcel's body to a JSON object, or to the reason why it is none.

Size is looked at before anything else, and what was packed is unpacked only up to the same size
(reliability A9, A10). Strict UTF-8, no byte order mark, no NaN, no lone surrogate; of a repeated
name the last one counts, as with every decoder our senders use.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import orjson

from daemon.mail.refusal import Code, NotARequest

_UNPACKED = frozenset({"", "identity", "utf-8", "utf8"})
"""Content encodings that change nothing; some clients name the charset there."""
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a parcel's properties say about its body; None or empty = nothing."""

    type: str | None = None
    """None = native, else the name of a dialect."""
    content_type: str | None = None
    content_encoding: str | None = None


def read(body: bytes, label: Label, *, limit: int) -> dict[str, Any] | NotARequest:
    """The JSON object that a parcel's body holds, packed or not."""
    plain = unpack(body, label, limit=limit)
    return plain if isinstance(plain, NotARequest) else parse(plain)


def unpack(body: bytes, label: Label, *, limit: int) -> bytes | NotARequest:
    """The body in plain, at most `limit` octets of it."""
    if len(body) > limit:
        return too_large(limit)
    if not _is_json(label.content_type or ""):
        return NotARequest(code=Code.BAD_ENCODING, message="the content type must be JSON in UTF-8")
    encoding = (label.content_encoding or "").strip().lower()
    if encoding == "gzip":
        return _gunzip(body, limit)
    if encoding in _UNPACKED:
        return body
    return NotARequest(code=Code.BAD_ENCODING, message="the content encoding must be gzip or none")


def parse(body: bytes) -> dict[str, Any] | NotARequest:
    """The JSON object that a plain body holds. Its nesting is bounded by the decoder, at 1024."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # its text may quote the body; the position is all that helps and gives nothing away
        message = f"the body must be JSON (RFC 8259); it isn't from character {error.pos} on"
        return NotARequest(code=Code.BAD_JSON, message=message)
    if not isinstance(document, dict):
        return NotARequest(code=Code.BAD_JSON, message="the body must be a JSON object")
    return document


def _gunzip(body: bytes, limit: int) -> bytes | NotARequest:
    """One gzip member, whole, and not a byte behind it."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error:
        return NotARequest(code=Code.BAD_ENCODING, message="the body isn't gzip as declared")
    if len(plain) > limit:
        return too_large(limit)
    if not unpacker.eof or unpacker.unused_data:
        return NotARequest(code=Code.BAD_ENCODING, message="the body must be one whole gzip member")
    return plain


def _is_json(content_type: str) -> bool:
    kind, _, parameters = content_type.lower().partition(";")
    charset = parameters.strip().removeprefix("charset=").strip('"')
    return kind.strip() in {"", "application/json"} and charset in {"", "utf-8", "utf8"}


def too_large(limit: int) -> NotARequest:
    """Why a body of more octets is none."""
    return NotARequest(code=Code.TOO_LARGE, message=f"the body must have at most {limit} octets")
