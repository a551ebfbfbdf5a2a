"""Command lines of RFC 5321: paths and parameters, strictly. Pure.

Strict on purpose: what a lenient server would let pass is refused here, so that a client that
passes the sink passes anywhere.
"""

import re
from typing import TypeAlias

_QUOTED = rb'"(?>(?:\\[\x20-\x7e]|[^"\\\x00-\x1f\x7f])*)"'
_PATH = rb'<((?>(?:[^"<>\\\x00-\x20\x7f]++|' + _QUOTED + rb")*))>"  # atomic: never tries twice
_PATTERNS = {
    keyword: re.compile(keyword + rb":" + _PATH + rb"(?: (.*))?", re.IGNORECASE)
    for keyword in (b"FROM", b"TO")
}
_PARAMETER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(?:=[!-<>-~]+)?")
_LOCAL_LIMIT, _PATH_LIMIT = 64, 254
"""Octets, RFC 5321 4.5.3.1."""


Path: TypeAlias = tuple[str, dict[str, str]]
"""An address without brackets and source route, empty for the null sender, and its parameters by
keyword in capitals, empty text for one without a value."""


def path(keyword: bytes, rest: bytes) -> Path | None:
    """The argument `FROM:<…>` or `TO:<…>`, None when it is malformed."""
    found = _PATTERNS[keyword].fullmatch(rest)
    if found is None:
        return None
    try:
        address = str(found[1], "utf-8")
        parameters = _parameters(str(found[2], "ascii")) if found[2] else {}
    except UnicodeDecodeError:
        return None
    if parameters is None:
        return None
    if address.startswith("@"):  # a source route is accepted and ignored, RFC 5321 appendix C
        address = address.partition(":")[2]
    return address, parameters


def _parameters(text: str) -> dict[str, str] | None:
    parameters = {}
    for word in text.split(" "):
        keyword, _, value = word.partition("=")
        if not _PARAMETER.fullmatch(word) or keyword.upper() in parameters:
            return None
        parameters[keyword.upper()] = value
    return parameters


def is_mailbox(address: str) -> bool:
    """Whether it has a local part and a domain of lawful lengths; `postmaster` needs no domain."""
    local, at, domain = address.rpartition("@")
    if not at:
        return domain.lower() == "postmaster"
    octets = len(local.encode())
    return 0 < octets <= _LOCAL_LIMIT and bool(domain) and len(address.encode()) <= _PATH_LIMIT
