"""The bytes of one mail, ready for the wire."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """An RFC 5322 message: CRLF line ends only, no line over 998 octets, ending in CRLF.

    Not dot-stuffed: that belongs to the protocol (RFC 5321 4.5.2), `stuffed` does it.
    """

    data: bytes
    is_8bit: bool = False
    """Whether any octet is above 127, so that the server must offer 8BITMIME."""

    is_sound: bool = False
    """Its composer knows that its lines are lawful and none begins with a dot: nobody need look."""

    @property
    def is_lawful(self) -> bool:
        """Whether lines end in CRLF only, the last one too, and there is no NUL."""
        # a bare CR or LF may end a line at a lax server, and a message with it: these octets and
        # NUL may be as many as the pairs account for, and no more
        data = self.data
        suspects = len(data) - len(data.translate(None, b"\r\n\0"))
        return suspects == 2 * data.count(b"\r\n") and data.endswith(b"\r\n")

    def stuffed(self) -> bytes:
        """The octets that follow the 354, the final dot and its CRLF included."""
        if self.is_sound:
            return self.data + b".\r\n"
        data = self.data.replace(b"\r\n.", b"\r\n..")
        return b"".join((b"." if data.startswith(b".") else b"", data, b".\r\n"))
