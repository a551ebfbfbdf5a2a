"""The lists of the configuration: customers, their transports and tokens, each a `[[table]]`.

They are loaded into their database tables at start and at a reload; the engine reads those.
"""

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from daemon.config.section import Section
from daemon.config.values import Count, Host, Id, Mailbox, Secret, Zone


class Customer(Section):
    """Who sends. Everything that belongs to a tenant belongs to one of these."""

    LIVE: ClassVar = frozenset({"name", "parent", "timezone", "status"})

    id: Id
    """Number, for ever: jobs, events and routing keys carry it."""
    name: str = Field(min_length=1)
    """For people to read."""
    parent: Id | None = None
    """The customer above this one; none by default."""
    timezone: Zone = "UTC"
    """IANA name: the zone of local send times. UTC, because any other would be a guess."""
    status: Literal["active", "locked", "blocked", "deleted"] = "active"
    """Only an active customer's requests are accepted."""


class Transport(Section):
    """A way out: a relay, how to log in there, and what it bears."""

    LIVE: ClassVar = frozenset(
        {"name", "host", "port", "tls", "verify", "username", "password", "sender", "from_address"}
        | {"from_name", "max_connections", "max_per_second", "messages_per_connection"}
        | {"is_default"}
    )

    id: Id
    """Number, for ever: jobs and lanes carry it."""
    customer: Id
    """Whose it is."""
    name: str = Field(min_length=1)
    """For people to read."""
    kind: Literal["smtp"] = "smtp"
    """The protocol of the relay."""
    host: Host
    """Name or IP address of the relay."""
    port: int = Field(default=25, ge=1, le=65535)
    """TCP port; 25 is SMTP's (RFC 5321 4.5.4.2), 587 submission's, 465 that of implicit TLS."""
    tls: Literal["none", "starttls", "implicit"] = "starttls"
    """`starttls` and `implicit` never fall back to clear text; `none` has to be asked for."""
    verify: bool = True
    """Whether the relay's certificate must be valid and name `host`."""
    username: str = ""
    """For AUTH, which needs verified TLS; empty = no login."""
    password: Secret = Secret()
    """For AUTH."""
    sender: Mailbox = ""
    """Envelope sender (MAIL FROM) and so where bounces go; empty = `from_address`."""
    from_address: Mailbox = ""
    """The From of messages that bring none."""
    from_name: str = ""
    """The display name that goes with `from_address`."""
    max_connections: Count = 20
    """Connections open at once, over all instances; Postfix's default for one destination."""
    max_per_second: float = Field(default=0.0, ge=0)
    """Messages per second, over all instances; 0 = no limit, connections are the limit then."""
    messages_per_connection: PositiveInt = 1000
    """Messages before a connection is renewed, so that one connection does not live for ever."""
    is_default: bool = False
    """Whether the customer's sends take it when they name none; at most one can be."""


class Token(Section):
    """A credential of a dialect, and the customer it speaks for."""

    LIVE: ClassVar = frozenset({"customer", "scheme", "login", "token"})

    customer: Id
    """For whom it speaks."""
    scheme: Literal["form_token"] = "form_token"
    """How the dialect brings it: `form_token` = a field of the request."""
    login: str = ""
    """The name that goes with it, in dialects that have one."""
    token: Secret
    """The credential itself."""
