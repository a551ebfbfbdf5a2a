"""The end of a message on the wire, its dots, and what is unlawful in it. Pure.

Only CRLF.CRLF ends a message (RFC 5321 4.1.1.4); every other spelling is content, and counted.
"""

_END = b"\r\n.\r\n"
_EMPTY = b".\r\n"
_LINE_LIMIT = 998
"""Octets of a line without its CRLF, RFC 5321 4.5.3.1.6."""


class Body:
    """Takes one message out of the bytes that arrive."""

    __slots__ = ("_dropped", "_kept", "_limit", "_scanned", "oversize", "raw")

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._scanned = 0
        self._dropped = 0
        self.raw = b""
        """The message as sent, dots still stuffed, once its end was fed."""
        self.oversize = False
        """More than `limit` bytes came; they are read to the end and thrown away."""

    @property
    def came(self) -> int:
        """Bytes fed so far, while the end is yet to come."""
        return self._dropped + len(self._kept)

    def feed(self, data: bytes) -> bytes | None:
        """What stands behind the end of the message, None when that is yet to come."""
        whole: bytes | bytearray = data
        if self._kept:
            self._kept += data
            whole = self._kept
        if not self._dropped and whole.startswith(_EMPTY):
            return bytes(whole[len(_EMPTY) :])
        end = whole.find(_END, max(self._scanned - len(_END), 0))
        if end < 0:
            self._keep(whole)
            return None
        self.raw = bytes(whole[: end + 2])
        self.oversize = self.oversize or len(self.raw) > self._limit
        return bytes(whole[end + len(_END) :])

    def _keep(self, whole: bytes | bytearray) -> None:
        if whole is not self._kept:
            self._kept += whole
        if len(self._kept) > self._limit:
            self.oversize = True
            surplus = len(self._kept) - len(_END)  # an end may have begun in what stays
            self._dropped += surplus
            del self._kept[:surplus]
        self._scanned = len(self._kept)


def unstuff(raw: bytes) -> bytes:
    """The message without the dots that were put in front of dots (RFC 5321 4.5.2)."""
    return raw.removeprefix(b".").replace(b"\r\n.", b"\r\n")


def examine(raw: bytes, *, eight_bit: bool) -> tuple[bytes, dict[str, int]]:
    """The message un-stuffed, and what is unlawful in it by kind and number.

    `eight_bit` when the client declared BODY=8BITMIME. Every search here costs microseconds for
    each message, so it makes few of them over the whole and the rest over what is left.
    """
    lines = raw.split(b"\r\n")
    inside = b"".join(lines)  # without lawful line ends, a search for unlawful ones is quick
    found = {
        "bare-lf": b"\n" in inside and inside.count(b"\n"),
        "bare-cr": b"\r" in inside and inside.count(b"\r"),
        "nul": b"\0" in inside and inside.count(b"\0"),
        "undeclared-8bit": not (eight_bit or inside.isascii()),
    }
    if len(max(lines, key=len)) > _LINE_LIMIT:
        found["long-line"] = sum(len(line) > _LINE_LIMIT for line in lines)
    content = raw
    if raw.startswith(b".") or b"\r\n." in raw:
        found["unstuffed-dot"] = sum(map(_is_unstuffed, lines))
        content = unstuff(raw)
    return content, {kind: int(number) for kind, number in found.items() if number}


def _is_unstuffed(line: bytes) -> bool:
    return line.startswith(b".") and not line.startswith(b"..")
