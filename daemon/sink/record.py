"""The record: one JSON line for each stored message and for each refusal or drop.

A message's line is in the file before its reply is on the wire, so what was acknowledged is on
record. The file is opened for appending and written without a buffer; many sinks may share one.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One stored message: its envelope and what can be said of its content."""

    time: float
    """Unix time of the store, in seconds."""
    came: float
    """Unix time at which its MAIL came in."""
    began: float
    """Unix time at which its MAIL was looked at: later, where the answer before it was held."""
    connection: int
    """The number of the connection, counted from 1."""
    helo: str
    """What the client called itself."""
    tls: str | None
    """The version of TLS, None in clear."""
    user: str | None
    """Who authenticated."""
    mail_from: str
    """The envelope sender, empty for the null sender."""
    rcpt: tuple[str, ...]
    """The envelope recipients, in their order."""
    message_id: str
    """The header's content, angle brackets included; empty without one."""
    sha256: str
    """Of the bytes as the client meant them: dots un-stuffed, last CRLF included."""
    size: int
    """Octets of the same."""
    subject: str
    """The header's content as on the wire, unfolded."""
    violations: Mapping[str, int] = field(default_factory=dict)
    """What was unlawful since the connection's last message, by kind."""
    content: bytes | None = None
    """The bytes themselves, when they are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A command or message that was not carried out, or a behaviour that was played."""

    kind: str
    """`refused`, `dropped` (connection ended without a reply) or `played` (carried out, oddly)."""
    time: float
    connection: int
    phase: str
    """The command in small letters, or banner, body, dot."""
    code: int | None = None
    """The reply code, None for silence and garbage."""
    words: tuple[str, ...] = ()
    """The behaviours that struck; empty when it was the client's fault or a limit."""
    recipient: str = ""
    """Whose words they are, or the recipient that was refused."""
    mail_from: str = ""
    """The sender of the transaction."""


class Recorder:
    """Appends to one file."""

    def __init__(self, path: Path, *, keep_bytes: bool = False) -> None:
        self._keep_bytes = keep_bytes
        self._file = path.open("ab", buffering=0)

    def stored(self, record: Record, content: bytes) -> None:
        """Append a message."""
        line = {
            "kind": "stored",
            "time": record.time,
            "came": record.came,
            "began": record.began,
            "connection": record.connection,
            "helo": record.helo,
            "tls": record.tls,
            "user": record.user,
            "mail_from": record.mail_from,
            "rcpt": record.rcpt,
            "message_id": record.message_id,
            "sha256": record.sha256,
            "size": record.size,
            "subject": record.subject,
            "violations": record.violations,
        }
        if self._keep_bytes:
            line["content"] = base64.b64encode(content).decode()
        self._append(line)

    def refused(self, refusal: Refusal) -> None:
        """Append a refusal."""
        self._append({name: getattr(refusal, name) for name in Refusal.__slots__})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, line: Mapping[str, Any]) -> None:
        # one write of a whole line: readers that follow the file never see half of one
        self._file.write(_to_json(line).encode("utf-8", "backslashreplace") + b"\n")


def digest(content: bytes) -> str:
    """The sha256 of a message, in hex."""
    return hashlib.sha256(content).hexdigest()


def headers(content: bytes, *names: str) -> tuple[str, ...]:
    """The first header of each name as it stands, unfolded; empty text for one that is missing."""
    end = 0 if content.startswith(b"\r\n") else content.find(b"\r\n\r\n")
    head = b"\r\n" + (content if end < 0 else content[:end]) + b"\r\n"
    lowered = head.lower()
    return tuple(_header(head, lowered, f"\r\n{name}:".lower().encode()) for name in names)


def _header(head: bytes, lowered: bytes, mark: bytes) -> str:
    start = lowered.find(mark)
    if start < 0:
        return ""
    end = start + len(mark)
    while True:
        end = head.index(b"\r\n", end)
        if head[end + 2 : end + 3] not in (b" ", b"\t"):
            break
        end += 2
    text = head[start + len(mark) : end].replace(b"\r\n", b"")
    return text.strip().decode("utf-8", "replace")
