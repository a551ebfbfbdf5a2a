"""The envelope as command lines, or the outcome that says why this server can't have it.

The last door before the wire: what leaves here is exactly the row's address or nothing, and no
tenant's octets can end a line, a command or a message (RFC 5321 4.1.2; reliability S3, S5).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from daemon.delivery.courier import Reason
from daemon.mail.attempt import Attempt, Envelope
from daemon.mail.content import Content
from daemon.mail.outcome import Bounced, Failed, Outcome
from daemon.mail.reply import Reply

_PLAIN = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9._-]{1,255}")
_LOCAL = re.compile(
    r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]|[^\x00-\x7f])+"  # atoms and dots
    r'|"(?:[^\x00-\x1f"\\<>,\x7f]|\\[!-+\--;=?-~])+"'  # quoted, but for angles and commas
)
_DOMAIN = re.compile(r"(?:[A-Za-z0-9._-]|[^\x00-\x7f])+|\[[A-Za-z0-9.:]+\]")
_LOCAL_LIMIT, _DOMAIN_LIMIT = 64, 255
"""Octets, RFC 5321 4.5.3.1."""
_SIZE_DIGITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the server offered in its EHLO reply, as far as we make use of it."""

    pipelining: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    size: int | None = None
    """The largest message it takes, in octets; 0 = it doesn't say, None = no SIZE (RFC 1870 4)."""


class Commands(NamedTuple):
    """One attempt's command lines, each with its CRLF."""

    mail: bytes
    rcpt: bytes
    data: bytes = b"DATA\r\n"


def capabilities(extensions: Mapping[str, str]) -> Capabilities:
    """From the keywords of an EHLO reply, in lower case, and their parameters."""
    return Capabilities(
        pipelining="pipelining" in extensions,
        eight_bit="8bitmime" in extensions,
        smtputf8="smtputf8" in extensions,
        size=_octets(extensions["size"].strip()) if "size" in extensions else None,
    )


def _octets(announced: str) -> int:
    readable = announced.isascii() and announced.isdigit() and len(announced) <= _SIZE_DIGITS
    return int(announced) if readable else 0


def commands(attempt: Attempt, offered: Capabilities, relay: str) -> Commands | Outcome:
    """The command lines for this attempt, or why it must not be tried at this server."""
    envelope, content = attempt.envelope, attempt.content
    return (
        _address_fault(envelope, relay)
        or _content_fault(content, offered, relay)
        or _offer_fault(envelope, content, offered, relay)
        or _lines(envelope, content, offered)
    )


def is_sendable(address: str, *, utf8: bool = False) -> bool:
    """Whether the address can stand between angle brackets as it is and mean only itself."""
    if _PLAIN.fullmatch(address):
        return True
    if not address.isprintable() or not (utf8 or address.isascii()):
        return False
    local, _, domain = address.rpartition("@")
    if len(local.encode()) > _LOCAL_LIMIT or len(domain.encode()) > _DOMAIN_LIMIT:
        return False
    return bool(_LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain))


def _address_fault(envelope: Envelope, relay: str) -> Failed | None:
    utf8 = envelope.needs_smtputf8
    if not is_sendable(envelope.recipient, utf8=utf8):
        return Failed(reason=Reason.ADDRESS, relay=relay)
    if envelope.sender and not is_sendable(envelope.sender, utf8=utf8):
        return Failed(reason=Reason.SENDER_ADDRESS, relay=relay)
    return None


def _content_fault(content: Content, offered: Capabilities, relay: str) -> Failed | None:
    if not (content.is_sound or content.is_lawful):
        return Failed(reason=Reason.CONTENT, relay=relay)
    if not offered.eight_bit and (content.is_8bit or not content.data.isascii()):
        return Failed(reason=Reason.EIGHT_BIT, relay=relay)
    return None


def _offer_fault(
    envelope: Envelope, content: Content, offered: Capabilities, relay: str
) -> Bounced | None:
    """What the server is sure to refuse, said in the words that it would use."""
    if envelope.needs_smtputf8 and not offered.smtputf8:
        text = "the server does not offer SMTPUTF8"
        return Bounced(reply=Reply(code=553, enhanced="5.6.7", text=text), relay=relay)
    if offered.size and offered.size < len(content.data):
        text = f"{len(content.data)} octets are more than the {offered.size} the server takes"
        return Bounced(reply=Reply(code=552, enhanced="5.3.4", text=text), relay=relay)
    return None


def _lines(envelope: Envelope, content: Content, offered: Capabilities) -> Commands:
    size = "" if offered.size is None else f" SIZE={len(content.data)}"
    body = " BODY=8BITMIME" if content.is_8bit or not content.data.isascii() else ""
    utf8 = " SMTPUTF8" if envelope.needs_smtputf8 else ""
    return Commands(
        mail=f"MAIL FROM:<{envelope.sender}>{size}{body}{utf8}\r\n".encode(),
        rcpt=f"RCPT TO:<{envelope.recipient}>\r\n".encode(),
    )
