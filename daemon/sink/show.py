"""Mail and refusals as lines for people to read as they come."""

import datetime as dt
import email
import email.header
import sys
from typing import TextIO

from daemon.sink.record import Record, Refusal

_UNITS = ("B", "kB", "MB", "GB")
_KILO = 1000


class Show:
    """Writes one line for each message and each refusal."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out

    def stored(self, record: Record, content: bytes) -> None:
        """Show a message."""
        sender = record.mail_from or "<>"
        parts = [f"{sender} → {', '.join(record.rcpt)}", f"“{decoded(record.subject)}”"]
        parts += [readable(record.size), *attachments(content)]
        self._line(record.time, "  ".join(parts))

    def refused(self, refusal: Refusal) -> None:
        """Show a refusal, a drop or another oddity."""
        said = "" if refusal.code is None else f" {refusal.code}"
        why = " ".join(refusal.words)
        text = f"{refusal.kind}{said} at {refusal.phase}  {refusal.recipient}  {why}"
        self._line(refusal.time, text.rstrip())

    def _line(self, time: float, text: str) -> None:
        clock = dt.datetime.fromtimestamp(time, tz=dt.UTC).astimezone()
        printable = "".join(
            sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text
        )
        self._out.write(f"{clock:%H:%M:%S}  {printable}\n")
        self._out.flush()


def readable(size: int) -> str:
    """Octets in a unit that a person reads: `512 B`, `4.1 kB`."""
    amount, unit = float(size), 0
    while amount >= _KILO and unit < len(_UNITS) - 1:
        amount, unit = amount / _KILO, unit + 1
    return f"{size} B" if not unit else f"{amount:.1f} {_UNITS[unit]}"


def decoded(header: str) -> str:
    """A header with its encoded words (RFC 2047) read; as it stands when they can't be."""
    try:
        return str(email.header.make_header(email.header.decode_header(header)))
    except (LookupError, ValueError, email.errors.HeaderParseError):
        return header


def attachments(content: bytes) -> list[str]:
    """The names of the attached files, `unnamed` for one without."""
    if b"ttachment" not in content:  # parsing costs as much as the rest together
        return []
    parts = email.message_from_bytes(content).walk()
    attached = [part for part in parts if part.get_content_disposition() == "attachment"]
    return [part.get_filename() or "unnamed" for part in attached]
