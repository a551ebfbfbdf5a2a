"""What the witnesses of a story say, as plain values. Times are Unix seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

SEQ_BITS = 40
"""An event's id is its stream's prefix with its number in so many low bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One parcel whose publish the broker has confirmed, and what came back for it."""

    body: Mapping[str, Any] | bytes
    """As it was published; bytes when it was no JSON object."""
    message_id: str | None
    kind: str | None
    """The AMQP type: a dialect's name, or None for ours."""
    confirmed: float
    wants_answer: bool
    answer: Mapping[str, Any] | None
    answered: float | None
    meant: Sequence[Mapping[str, Any]] = ()
    """Whom its terms yield beside those it names itself, by the word of who wrote the story."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body's fields; none when it has none."""
        return self.body if isinstance(self.body, Mapping) else {}

    @property
    def command(self) -> str | None:
        """What is asked for, in our words."""
        if self.kind == "smsby":
            return "send" if self.fields.get("method") == "sendEmail" else None
        return self.fields.get("command")

    @property
    def stores(self) -> bool:
        """Whether it is a send that is meant."""
        return self.command == "send" and not self.fields.get("dry_run")

    @property
    def key(self) -> str | None:
        """By what a repeat is recognised."""
        return self.fields.get("request_id") or self.message_id

    @property
    def is_positive(self) -> bool:
        """Whether the answer says that it was done."""
        return self.answer is not None and (
            self.answer.get("ok") is True or self.answer.get("status") == "OK"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One message from the event exchange."""

    document: Mapping[str, Any]
    """The CloudEvent."""
    routing_key: str
    message_id: str | None
    content_type: str | None
    received: float

    @property
    def id(self) -> str:
        """What a repeat is recognised by."""
        return str(self.document["id"])

    @property
    def type(self) -> str:
        """`<family>.<event>`."""
        return str(self.document["type"])

    @property
    def data(self) -> Mapping[str, Any]:
        """The payload."""
        found: Mapping[str, Any] = self.document["data"]
        return found

    @property
    def job(self) -> str | None:
        """The job it is about."""
        found: str | None = self.data.get("job_id")
        return found

    @property
    def delivery(self) -> int | None:
        """The delivery it is about."""
        found: int | None = self.data.get("delivery_id")
        return found

    @property
    def place(self) -> tuple[int, int]:
        """Stream (as the prefix of the id) and number in it."""
        number = UUID(self.id).int
        return number >> SEQ_BITS, number & ((1 << SEQ_BITS) - 1)

    @property
    def step(self) -> tuple[int, int]:
        """By what the events of a delivery sort."""
        return self.data.get("attempt") or 0, self.data.get("step") or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One message that the sink has stored."""

    time: float
    came: float
    """When its MAIL came in."""
    began: float
    """When its MAIL was answered, which is later where the sink held the answer before it."""
    connection: int
    rcpt: tuple[str, ...]
    message_id: str
    sha256: str
    subject: str
    violations: Mapping[str, int]
    helo: str = ""
    """What the one who brought it called himself."""

    @property
    def delivery(self) -> int | None:
        """The delivery that its Message-ID opens with."""
        number = self.message_id.lstrip("<").partition(".")[0]
        return int(number) if number.isdecimal() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One parcel in the dead letters."""

    message_id: str | None
    body: bytes
    reason: str | None
    is_brokers: bool = False
    """Whether the broker put it away, who tells nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as the daemon's books have it."""

    id: str
    request_id: str | None
    customer: int
    purpose: str
    state: str
    is_finished: bool
    open: bool
    accepted: float
    due: float
    expires: float
    numbers: Mapping[str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery as the daemon's books have it."""

    id: int
    job: str
    address: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event as the ledger has it."""

    id: str
    type: str
    job: str | None
    delivery: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the daemon says of itself."""

    jobs: Sequence[Job] = ()
    deliveries: Sequence[Delivery] = ()
    dropped: Sequence[tuple[str, str]] = ()
    """Job and reason of everyone who was dropped."""
    entries: Sequence[Entry] = ()
    retries: Sequence[int] = ()
    """Deliveries that have a retry row."""
    status: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What `status` answered, by job."""
    audit: Mapping[str, Any] | None = None
    """What `audit` answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a story's transports may bear together."""

    connections: int | None = None
    per_second: float | None = None
    transactions: int | None = None
    """Mails under way at once; where instances freeze, their idle connections still stand."""
    slack: float = 0.1
    """Seconds by which the way to the sink may differ between two mails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What one process has of one resource, before and after."""

    process: str
    resource: str
    """`descriptors`, `tasks` or `memory`."""
    baseline: float
    """The most that a process like it had in peace."""
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that is known of a story."""

    requests: Sequence[Request]
    copies: Sequence[Copy]
    events: Sequence[Event]
    """In the order in which they came, repeats included."""
    dead: Sequence[DeadLetter]
    books: Books
    revived: Sequence[str | None] = ()
    """Message ids of dead letters that were put back."""
    limits: Limits = Limits()
    peak_connections: int = 0
    """The most that the sink ever saw at once."""
    vitals: Sequence[Vitals] = ()
    """What the processes had after a storm."""
    was_stormy: bool = False
    """Whether parcels may have been published or dead-lettered again, since somebody was cut."""
