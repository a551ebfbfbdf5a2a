"""What may be shown to whoever reads our lines: no body, no secret, no address unless configured.

Text from outside may hold anything: what leaves here fits one line and is cut short (S15, S51).
"""

import re
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

Addresses = Literal["masked", "plain", "none"]
Mask: TypeAlias = Callable[[str], str]
"""Takes the addresses out of a text, as far as they must not be seen."""

TEXT_LIMIT = 1000
"""Characters of one field; with it a line stays below what a pipe takes at once."""
ITEM_LIMIT = 20
"""Items of a list in a field."""
TRACE_LIMIT = 2500
"""Characters of a traceback, its end."""

ADDRESS_FIELDS = frozenset({"recipient", "address", "sender", "norm"})
SECRET_FIELDS = frozenset(
    {"password", "secret", "token", "authorization", "cookie", "hash_key"}
    | {"body", "html", "vars"}
)

_AS_IT_IS = (int, float, bool, type(None))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_CONTROL_BUT_LINE_END = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ADDRESS = re.compile(r"""([^\s<>@()\[\],;:"'/=*])[^\s<>@()\[\],;:"'/=]*@(?=\w)""")
_LOGIN = re.compile(r"(?<=://)[^\s/@]*:[^\s/@]*(?=@)|(?<=password=)[^\s&]+", re.IGNORECASE)
_DELICATE = ADDRESS_FIELDS | SECRET_FIELDS


def shown(fields: Mapping[str, Any], mask: Mask, *, with_addresses: bool = True) -> dict[str, Any]:
    """The fields of a line as they may be shown; those with an address only if they may."""
    line = {}
    for name, value in fields.items():
        if name not in _DELICATE:
            line[name] = plain(value, mask)
        elif name in SECRET_FIELDS:
            line[name] = "***"
        elif with_addresses:
            line[name] = plain(value, mask)
    return line


def clean(text: str) -> str:
    """Fit for one line: no controls, no lone surrogates, no login within a URL, cut short."""
    text = _CONTROL.sub(" ", text) if not text.isprintable() else text
    text = _without_login(text)
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def _without_login(text: str) -> str:
    """A DSN's user and password as `***`, wherever it was quoted."""
    return _LOGIN.sub("***", text) if "://" in text or "=" in text else text


def masked(text: str) -> str:
    """The same text with every mail address shown as `a***@example.com`."""
    local, at, domain = text.partition("@")
    if not at:
        return text
    if local.isalnum() and domain[:1].isalnum() and "@" not in domain:
        return f"{local[0]}***@{domain}"  # an address and no more, as most are: no need to search
    return _ADDRESS.sub(r"\1***@", text)


def masking(addresses: Addresses, level: str) -> Mask:
    """What a line of this level does to its texts."""
    if addresses == "none":
        return lambda text: _ADDRESS.sub("***@", text) if "@" in text else text
    if addresses == "plain" or level == "debug":
        return lambda text: text
    return masked


def plain(value: object, mask: Mask) -> object:
    """A value that JSON can say; what it can't say, as text."""
    if isinstance(value, str):
        return mask(clean(value))
    if isinstance(value, _AS_IT_IS) and not _is_too_large(value):
        return value
    if isinstance(value, bytes | bytearray | memoryview):  # a body, or a part of one
        return f"<{len(value)} octets>"
    if isinstance(value, Mapping):
        return {clean(str(key)): plain(item, mask) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, mask) for item in list(value)[:ITEM_LIMIT]]
    return mask(clean(str(value)))


def _is_too_large(value: object) -> bool:
    """Whether JSON, as others read it, has no room for this integer."""
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def trace(exc_info: Any) -> str:
    """The traceback of `exc_info=`: an exception, a triple, or True for the current one; clean."""
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    elif exc_info and not isinstance(exc_info, tuple):
        exc_info = sys.exc_info()
    if not exc_info or exc_info[0] is None:
        return ""
    text = "".join(traceback.format_exception(*exc_info)).rstrip("\n")
    return _without_login(_CONTROL_BUT_LINE_END.sub(" ", text))[-TRACE_LIMIT:]
