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

    def stuffed(self) -> bytes:
        """The octets that follow the 354, the final dot and its CRLF included."""
        data = self.data
        if b"\r\n." in data:  # looking costs a third of replacing, and hardly any mail has one
            data = data.replace(b"\r\n.", b"\r\n..")
        return b"".join((b"." if data.startswith(b".") else b"", data, b".\r\n"))
