"""AUTH PLAIN and LOGIN (RFC 4616, RFC 4954): one exchange of prompts and responses. Pure."""

import base64
import binascii
import hmac
from collections.abc import Mapping

from daemon.sink import answer
from daemon.sink.answer import Answer

PROMPTS = {b"PLAIN": (b"",), b"LOGIN": (b"Username:", b"Password:")}
"""What each mechanism asks for, in order."""

ACCEPTED = answer.yes(235, "2.7.0 Authenticated")
REFUSED = answer.no(535, "5.7.8 Credentials refused")
MALFORMED = answer.no(501, "5.5.2 That is no such response in base64")
GIVEN_UP = answer.no(501, "5.7.0 Authentication given up")


class Login:
    """One exchange, from the mechanism's name to the verdict."""

    __slots__ = ("_mechanism", "_responses", "_users", "user")

    def __init__(self, mechanism: bytes, users: Mapping[str, str]) -> None:
        self._mechanism = mechanism
        self._users = users
        self._responses: list[bytes] = []
        self.user: str | None = None
        """Who it is, once accepted."""

    def prompt(self) -> Answer:
        """The next prompt."""
        asked = PROMPTS[self._mechanism][len(self._responses)]
        return Answer(said=b"334 " + base64.b64encode(asked) + b"\r\n")

    def respond(self, line: bytes) -> Answer:
        """The next prompt, or the verdict, for one line of the client."""
        if line == b"*":
            return GIVEN_UP
        try:
            self._responses.append(b"" if line == b"=" else base64.b64decode(line, validate=True))
        except binascii.Error:
            return MALFORMED
        complete = len(self._responses) == len(PROMPTS[self._mechanism])
        return self._verdict() if complete else self.prompt()

    def _verdict(self) -> Answer:
        named = self._named()
        if named is None:
            return MALFORMED
        name, password = named
        known = self._users.get(name.decode(errors="replace"))
        if known is None or not hmac.compare_digest(known.encode(), password):
            return REFUSED
        self.user = name.decode()
        return ACCEPTED

    def _named(self) -> tuple[bytes, bytes] | None:
        if self._mechanism == b"LOGIN":
            return self._responses[0], self._responses[1]
        parts = self._responses[0].split(b"\0")
        return (parts[1], parts[2]) if len(parts) == 3 else None  # noqa: PLR2004 (RFC 4616 2)
