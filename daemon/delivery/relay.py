"""A relay as the courier needs to know it: where, how protected, as whom, and how patient.

The credentials never show in a `repr`, and a relay that would send them before a verified TLS
handshake can't be made, unless it says so itself.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

_HELLO_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}|\[[A-Za-z0-9.:]{1,255}\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds that each phase may take (RFC 5321 4.5.3.2; shorter where no doubt can arise)."""

    connect: float = 30.0
    """For each of the relay's addresses."""
    banner: float = 60.0
    ehlo: float = 60.0
    """For each command before the first mail: EHLO, STARTTLS with its handshake, AUTH."""
    mail: float = 60.0
    rcpt: float = 60.0
    data: float = 120.0
    body: float = 180.0
    """For the server to take one chunk of the content."""
    attempt: float = 300.0
    """From MAIL to the final dot: what a server that takes an octet per second is given."""
    dot: float = 600.0
    """For the reply to the final dot. Impatience here makes duplicates (RFC 5321 4.5.3.2.6)."""
    quit: float = 5.0

    @property
    def envelope(self) -> float:
        """For the replies to MAIL, RCPT and DATA that were written together."""
        return max(self.mail, self.rcpt, self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """One server that takes our mail."""

    host: str
    port: int = 25
    tls: Literal["none", "starttls", "implicit"] = "starttls"
    verify: bool = True
    """Whether the certificate must be valid and bear the host's name."""
    ca_file: str | None = None
    """PEM file of the authorities to believe, instead of the system's."""
    username: str = field(default="", repr=False)
    """Empty = no login."""
    password: str = field(default="", repr=False)
    credentials_in_clear: bool = False
    """Allows the credentials to be sent without a verified TLS handshake."""
    local_hostname: str = "localhost"
    """What we call ourselves in EHLO."""
    messages_per_connection: int = 0
    """0 = as many as the server likes."""
    timeouts: Timeouts = Timeouts()

    def __post_init__(self) -> None:
        if not _HELLO_NAME.fullmatch(self.local_hostname):
            raise ValueError("local_hostname is no name for EHLO")
        if not self.host or not self.host.isprintable() or " " in self.host:
            raise ValueError("host is no host name")
        if self.username and not self.may_authenticate:
            raise ValueError("credentials need verified TLS, or credentials_in_clear")

    @property
    def may_authenticate(self) -> bool:
        """Whether credentials may be sent: TLS is required and verified, or they may be seen."""
        return self.credentials_in_clear or (self.tls != "none" and self.verify)

    @property
    def label(self) -> str:
        """host:port, as outcomes and logs name it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
