"""Why there is no connection, in the few words that the system has for it. Pure."""

import os
import socket
import ssl
from collections.abc import Iterator

_MOST = 120
"""Characters: it goes into events."""


def said(fault: BaseException) -> str:
    """`connection refused`, `timed out`, `name or service not known`, `certificate has expired`."""
    causes = list(_causes(fault))
    deepest = next((one for one in reversed(causes) if isinstance(one, OSError)), causes[0])
    line = next(iter(_words(deepest).splitlines()), "").strip(" .")
    return (line[:1].lower() + line[1:])[:_MOST]


def is_about_tls(fault: BaseException) -> bool:
    """Whether TLS itself failed, however deep the library has wrapped it."""
    return any(isinstance(one, ssl.SSLError) for one in _causes(fault))


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    """The fault, and what it came of."""
    while fault is not None:
        yield fault
        fault = fault.__cause__


def _words(fault: BaseException) -> str:
    """The error number's own words: a loop's mention addresses, and each loop's are others."""
    if isinstance(fault, TimeoutError):
        return "timed out"
    if isinstance(fault, ssl.SSLCertVerificationError):
        return fault.verify_message
    if isinstance(fault, ssl.SSLError):
        return str(getattr(fault, "reason", None) or fault).replace("_", " ").lower()
    if isinstance(fault, socket.gaierror) or not isinstance(fault, OSError) or not fault.errno:
        return str(getattr(fault, "strerror", None) or fault)
    return os.strerror(fault.errno)
