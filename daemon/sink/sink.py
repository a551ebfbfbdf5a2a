"""What all connections of one sink share, and what it announces to them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from daemon.sink.behaviour import Memory
from daemon.sink.mode import Mode
from daemon.sink.record import Record, Refusal
from daemon.sink.tally import Tally
from daemon.sink.tls import Certificate


class Witness(Protocol):
    """Who is told of everything at once: the record, the show."""

    def stored(self, record: Record, content: bytes) -> None:
        """A message was stored; its reply is not yet out."""

    def refused(self, refusal: Refusal) -> None:
        """Something was refused, dropped or played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a sink is started with and keeps."""

    hostname: str = "sink.test"
    """Its name in the banner."""
    max_size: int = 32 * 1024 * 1024
    """Octets of a message."""
    max_recipients: int = 1000
    """Recipients of a transaction; RFC 5321 4.5.3.1.8 asks for 100 at least."""
    users: Mapping[str, str] = field(default_factory=dict)
    """Passwords by name at the start; without any, AUTH isn't offered."""
    require_auth: bool = False
    """MAIL is refused with 530 before AUTH."""
    count_only: bool = False
    """Messages are counted and not looked into: no witnesses, no violations, all distinct."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """One sink."""

    settings: Settings = field(default_factory=Settings)
    mode: Mode = field(default_factory=Mode)
    clock: Callable[[], float] = time.time
    memory: Memory = field(default_factory=lambda: Memory(time.monotonic))
    tally: Tally = field(default_factory=lambda: Tally(time.time))
    certificate: Certificate = field(default_factory=Certificate)
    witnesses: tuple[Witness, ...] = ()

    @property
    def users(self) -> Mapping[str, str]:
        """Passwords by name, as they are now."""
        return {**self.settings.users, **self.mode.passwords}

    def offered(self, *, tls: bool) -> frozenset[str]:
        """The capabilities that EHLO announces now, to a client with or without TLS."""
        withheld = set[str]()
        if tls or self.certificate.context is None:
            withheld.add("starttls")
        if not self.users:
            withheld.add("auth")
        return self.mode.capabilities - withheld

    def announcement(self, offered: frozenset[str]) -> bytes:
        """The reply to EHLO."""
        words = {
            "pipelining": "PIPELINING",
            "8bitmime": "8BITMIME",
            "smtputf8": "SMTPUTF8",
            "size": f"SIZE {self.settings.max_size}",
            "starttls": "STARTTLS",
            "auth": "AUTH PLAIN LOGIN",
        }
        announced = [word for name, word in words.items() if name in offered]
        lines = [self.settings.hostname, *announced]
        return (
            "".join(f"250-{line}\r\n" for line in lines).encode() + b"250 ENHANCEDSTATUSCODES\r\n"
        )
