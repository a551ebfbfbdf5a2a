"""Every key of the configuration with its unit, its default and the reason of the default.

`Config()` is the whole with all defaults. Durations are floats of seconds, sizes ints of octets.
`config.toml` at the top says the same for whoever edits it; a test keeps the two together.
"""

import socket
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from daemon.config.section import Section
from daemon.config.tables import Customer, Token, Transport
from daemon.config.values import DAY, HOUR, MINUTE, Address, Duration, Hello, Id, Secret, Size, Word


class RabbitMQ(Section):
    """The broker, and the names we use there."""

    url: Secret = Secret("amqp://guest:guest@127.0.0.1:5672/")
    """amqp:// or amqps:// with user and virtual host; the default is RabbitMQ's own."""
    heartbeat: Duration = 10.0
    """A dead broker is noticed after two of them; 10 s is the least that busy brokers bear well."""
    prefix: Word = "deliveryd"
    """First word of every exchange and queue, so that two systems can share a broker."""
    connect_timeout: Duration = 10.0
    """For TCP, TLS and the AMQP handshake together."""
    publish_timeout: Duration = 10.0
    """For one answer or dead letter and its confirm; then it is published again."""


class Postgres(Section):
    """The database, the only place where state lives."""

    dsn: Secret = Secret()
    """postgresql://…, also with several hosts; empty = the PG* variables, as psql reads them."""
    pool: PositiveInt = 10
    """Connections for short statements; writers and the listener have their own beside it."""
    connect_timeout: Duration = 10.0
    """For opening one connection."""
    statement_timeout: Duration = MINUTE
    """The longest statement, cancelled by the server too; expansion and upkeep have their own."""
    silence: Duration = Field(default=10.0, ge=1)
    """A connection whose far machine acknowledges nothing for so long is lost; a busy one does."""


class Instance(Section):
    """This process among its equals."""

    name: str = Field(default_factory=socket.gethostname, min_length=1)
    """For people: in logs and `instances`. Default: the host's name."""
    lease: Duration = Field(default=20.0, ge=1)
    """What a dead instance owned is free after this long; renewed every quarter of it."""
    state_dir: Path = Path("/var/lib/deliveryd")
    """Where the journals lie. Must outlive the process; only neighbours on this host share it."""
    stop_deadline: Duration = 30.0
    """How long a stop waits for running attempts; keep systemd's TimeoutStopSec above it."""


class Intake(Section):
    """What comes off the queue, and whom we believe."""

    LIVE: ClassVar = frozenset({"users", "trusted", "anonymous", "max_parcel"})

    users: dict[str, Id] = Field(default_factory=dict)
    """Broker user → customer id: who asks, by the `user_id` that the broker has checked."""
    trusted: tuple[str, ...] = ()
    """Broker users who may name another principal in the request; none, as it opens every door."""
    anonymous: Id | None = None
    """Customer of parcels without `user_id`; none by default: they are refused."""
    writers: int = Field(default=2, ge=1, le=16)
    """Accept transactions at once; two keep Postgres busy, each costs a stream and a connection."""
    prefetch: int = Field(default=250, ge=1, le=65535)
    """Parcels held unacknowledged; of heavy ones fewer, about 2 MiB together."""
    group: PositiveInt = 100
    """Parcels accepted in one transaction at most; they are not waited for."""
    max_waiting: PositiveInt = 10_000_000
    """Open deliveries of the system from which on parcels stay on their queue; × 1.2 for urgent."""
    max_parcel: Size = 40 * 2**20
    """A larger body is dead-lettered unread; 40 MiB holds a mail of 25 MB in base64."""
    frame_limit: PositiveInt = 5000
    """Literal recipients in one parcel; larger jobs come in frames."""
    inline_limit: PositiveInt = 10_000
    """Estimated recipients up to which accept expands at once, for a short transaction."""
    expand_timeout: Duration = 600.0
    """How long finding a larger audience may take before it is given up and tried anew."""
    expand_memory: Size = Field(default=512 * 2**20, ge=64 * 2**20)
    """What each sort of it may use in Postgres (work_mem); a million people take 420 MiB."""
    open_timeout: Duration = DAY
    """An open job without a new frame for this long is closed by us."""
    key_lifetime: Duration = DAY
    """How long a request's key is remembered and its repeat answered alike."""
    hash_key: Secret = Secret()
    """Keys the hashes of request bodies; empty = the database's own, so all instances agree."""


class Shares(Section):
    """How deliveries are shared out between the classes while all of them have some due."""

    urgent: PositiveInt = 8
    """For passwords and codes: people are waiting."""
    normal: PositiveInt = 4
    """For everything that says nothing else."""
    bulk: PositiveInt = 1
    """For campaigns; more than nothing, so that they end."""


class Dispatch(Section):
    """Claims and permits."""

    poll: Duration = 1.0
    """How often we look for due work when nobody wakes us; promise 4 is within a second."""
    hold: PositiveInt = 5000
    """Claimed deliveries in memory at most (one batch, 500, is the least): seconds of work."""
    permit_size: int = Field(default=500, ge=1, le=500)
    """Deliveries in one permit; its statement costs hardly more for 500 than for 1."""
    permit_window: Duration = Field(default=0.25, le=5)
    """How long a permit may start something: a cancel answers this much later."""
    shares: Shares = Shares()


class Timeouts(Section):
    """One for each phase of an SMTP session, as RFC 5321 4.5.3.2 asks for or shorter."""

    connect: Duration = 30.0
    """TCP; Postfix's default."""
    banner: Duration = MINUTE
    """The 220. RFC: 300 s; a relay that greets later is not well."""
    ehlo: Duration = MINUTE
    """EHLO, STARTTLS and AUTH, each."""
    mail: Duration = MINUTE
    """The reply to MAIL. RFC: 300 s."""
    rcpt: Duration = MINUTE
    """The reply to RCPT. RFC: 300 s."""
    data: Duration = 2 * MINUTE
    """The 354. RFC: 120 s."""
    body: Duration = 3 * MINUTE
    """One block of the body. RFC: 180 s."""
    dot: Duration = 10 * MINUTE
    """The reply to the final dot. RFC: 600 s; shorter makes doubts, and so duplicates."""
    quit: Duration = 5.0
    """Our goodbye; nothing hangs on it."""
    attempt: Duration = 5 * MINUTE
    """A whole attempt up to its final dot; after the dot only `dot` counts."""


class Delivery(Section):
    """The way out."""

    hostname: Hello = Field(default_factory=socket.getfqdn)
    """What we call ourselves in EHLO; should resolve to us. Default: the host's full name."""
    connections: PositiveInt = 100
    """SMTP connections of this instance at most, whatever the transports allow; one file each."""
    idle: Duration = 20.0
    """A warm connection without work is closed after this long, before most relays do it."""
    mode: Literal["relay", "file"] = "relay"
    """`file` writes each mail to `folder` instead: for dry runs."""
    folder: Path | None = None
    """Where `mode = "file"` puts its .eml files; needed then."""
    message_domain: str = ""
    """Domain of our Message-IDs; empty = `hostname`. Several instances should have the same."""
    timeouts: Timeouts = Timeouts()


class Retry(Section):
    """When a deferred delivery is tried again: each wait `factor` times the last, up to `cap`."""

    LIVE: ClassVar = frozenset(
        {"first", "factor", "cap", "jitter", "hint_min", "hint_max", "budget"}
    )

    first: Duration = MINUTE
    """After the first deferral; most greylists open after a minute or five."""
    factor: float = Field(default=2.0, ge=1, le=10)
    """By how much each wait is longer than the one before."""
    cap: Duration = 4 * HOUR
    """The longest wait."""
    jitter: float = Field(default=0.2, ge=0, le=1)
    """Share of the wait by which it varies either way, so that no backlog comes back at once."""
    hint_min: Duration = 10.0
    """A delay the server suggests is taken, but never as less than this."""
    hint_max: Duration = 4 * HOUR
    """… and never as more than this."""
    budget: Duration = 5 * DAY
    """The default of a request's `expires_after`; RFC 5321 4.5.4.1 asks for 4 to 5 days."""


class Doubt(Section):
    """What follows an attempt of which nobody knows whether the mail was taken (promise 2)."""

    LIVE: ClassVar = frozenset({"after", "transactional", "marketing"})

    after: Duration = 7 * DAY
    """A doubt nobody has decided by then is given up, so that its job can end."""
    transactional: Literal["resend", "hold", "give_up"] = "resend"
    """Twice is better than never."""
    marketing: Literal["resend", "hold", "give_up"] = "hold"
    """Never is better than twice; a person decides."""


class Events(Section):
    """Telling the world."""

    source: str = Field(default="deliveryd", min_length=1)
    """CloudEvents `source`: which system speaks."""
    batch: PositiveInt = 500
    """Events published before their confirms are waited for."""
    confirm_timeout: Duration = 30.0
    """How long a confirm may take; then the connection is renewed and the batch told again."""
    max_untold: PositiveInt = 1_000_000
    """Untold events of the system from which on nothing new is sent; × 1.2 for urgent mail."""
    replay_batch: PositiveInt = 1000
    """Events read at once while a replay runs; live events go between."""


class Retention(Section):
    """How long finished things are kept. Nothing unfinished is ever removed."""

    LIVE: ClassVar = frozenset({"deliveries", "ledger", "jobs"})

    deliveries: Duration = Field(default=30 * DAY, ge=DAY)
    """Deliveries with their addresses, from their job's first day on, and contents with them."""
    ledger: Duration = Field(default=90 * DAY, ge=DAY)
    """Events, and so how far back a replay reaches."""
    jobs: Duration = Field(default=400 * DAY, ge=DAY)
    """Jobs with their counters: a year to compare with, and a month."""


class Ops(Section):
    """Health and metrics, for machines; no login, so keep it inside."""

    listen: Address = Address(host="127.0.0.1", port=9250)
    """Where /livez, /readyz, /metrics and /version answer; also unix:/path."""


class Log(Section):
    """What we write while we run."""

    LIVE: ClassVar = frozenset({"level", "addresses", "delivery_sample"})

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is written."""
    format: Literal["auto", "json", "console"] = "auto"
    """`auto`: console on a terminal, else JSON."""
    addresses: Literal["masked", "plain", "none"] = "masked"
    """Mail addresses in log lines: `a***@example.com`, as they are, or left out."""
    delivery_sample: float = Field(default=1.0, ge=0, le=1)
    """Share of successful attempts that get a line; the others always do."""


class Config(Section):
    """The whole configuration; `[[customer]]`, `[[transport]]` and `[[token]]` are its lists."""

    LIVE: ClassVar = frozenset({"customer", "transport", "token"})

    rabbitmq: RabbitMQ = RabbitMQ()
    postgres: Postgres = Postgres()
    instance: Instance = Field(default_factory=Instance)
    intake: Intake = Field(default_factory=Intake)
    dispatch: Dispatch = Dispatch()
    delivery: Delivery = Field(default_factory=Delivery)
    retry: Retry = Retry()
    doubt: Doubt = Doubt()
    events: Events = Events()
    retention: Retention = Retention()
    ops: Ops = Ops()
    log: Log = Log()
    customer: tuple[Customer, ...] = ()
    transport: tuple[Transport, ...] = ()
    token: tuple[Token, ...] = ()
