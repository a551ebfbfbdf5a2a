"""The end of a message on the wire, its dots, and what is unlawful in it. Pure.

Only CRLF.CRLF ends a message (RFC 5321 4.1.1.4); every other spelling is content, and counted.
"""

_END = b"\r\n.\r\n"
_EMPTY = b".\r\n"
_LINE_LIMIT = 998
"""Octets of a line without its CRLF, RFC 5321 4.5.3.1.6."""


class Body:
    """Takes one message out of the bytes that arrive."""

    __slots__ = ("_came", "_kept", "_limit", "_scanned", "cut", "oversize", "raw")

    def __init__(self, *, limit: int, cut: int | None = None) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._scanned = 0
        self._came = 0
        self.cut = cut
        """Bytes after which something happens, None for nothing."""
        self.raw = b""
        """The message as sent, dots still stuffed, once its end was fed."""
        self.oversize = False
        """More than `limit` bytes came; they are read to the end and thrown away."""

    def feed(self, data: bytes) -> bytes | None:
        """What stands behind the end of the message, None when that is yet to come."""
        whole: bytes | bytearray = data
        if self._kept:
            self._kept += data
            whole = self._kept
        if self._came == self._scanned and whole.startswith(_EMPTY):
            return bytes(whole[len(_EMPTY) :])
        end = whole.find(_END, max(self._scanned - len(_END), 0))
        if end < 0:
            self._keep(whole, len(data))
            return None
        self.raw = bytes(whole[: end + 2])
        self._came += len(data)
        self.oversize = self.oversize or len(self.raw) > self._limit
        return bytes(whole[end + len(_END) :])
def unstuff(raw: bytes) -> bytes:
    """The message without the dots that were put in front of dots (RFC 5321 4.5.2)."""
    if raw.startswith(b"."):
        raw = raw[1:]
    return raw.replace(b"\r\n.", b"\r\n") if b"\r\n." in raw else raw


def violations(raw: bytes, *, eight_bit: bool) -> dict[str, int]:
    """What the wire form must not hold, by kind and number; `eight_bit` when that was declared."""
    lines = raw.split(b"\r\n")
    content = b"".join(lines)  # without lawful line ends, so that a search for the others is quick
    found = {
        "bare-lf": b"\n" in content and content.count(b"\n"),
        "bare-cr": b"\r" in content and content.count(b"\r"),
        "nul": b"\0" in content and content.count(b"\0"),
        "long-line": 0 if len(max(lines, key=len)) <= _LINE_LIMIT else _long(lines),
        "unstuffed-dot": _unstuffed(raw),
        "undeclared-8bit": int(not eight_bit and not content.isascii()),
    }
    return {kind: number for kind, number in found.items() if number}


def _long(lines: list[bytes]) -> int:
    return sum(len(line) > _LINE_LIMIT for line in lines)


def _unstuffed(raw: bytes) -> int:
    first = raw.startswith(b".") and not raw.startswith(b"..")
    stuffed = raw.count(b"\r\n.")
    return int(first) + stuffed - (raw.count(b"\r\n..") if stuffed else 0)
