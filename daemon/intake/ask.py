"""A request on its way through intake, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from daemon.dialects.dialect import Dialect
from daemon.mail.refusal import NotARequest, Notice, Refused
from daemon.mail.request import answers
from daemon.mail.request.answers import Answer
from daemon.mail.request.commands import Close, Extend
from daemon.mail.request.decode import Decoded
from daemon.mail.request.forms import Request
from daemon.mail.request.keeping import Keyed
from daemon.mail.request.send import Send
from daemon.store import accepting
from daemon.store.accepting import Key
from daemon.store.directory import Customer
from daemon.store.memories import Holder

NATIVE = "native"


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """Where the answer goes, and by what the asker knows it."""

    reply_to: str | None = None
    correlation_id: str | None = None
    dialect: Dialect | None = None
    """In whose words; None = ours."""

    @property
    def speaks(self) -> str:
        """The name of the dialect."""
        return self.dialect.name if self.dialect else NATIVE

    def text(self, answer: Answer) -> bytes:
        """The answer as the asker reads it."""
        return self.dialect.render(answer) if self.dialect else answers.render(answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request that is well formed, from somebody we know."""

    customer: Customer
    person_id: int | None = None
    """Who of his asks, where that is known."""
    is_trusted: bool = False
    """Whether the configuration believes whoever publishes for him."""
    user: str | None = None
    """The broker user that published it."""
    decoded: Decoded
    back: Back
    request_id: str | None
    """The body's own key, else the parcel's `message_id`; None = it can't be recognised."""
    body_hash: bytes
    """Keyed: what two requests that ask for the same have in common."""
    plain: bytes
    """The body, unpacked."""
    redelivered: bool = False
    holder: Holder | None = None
    """Who has its parcel in hand."""

    @property
    def request(self) -> Request:
        """What is asked for."""
        return self.decoded.request

    @property
    def by(self) -> str:
        """Who asks, as it is kept beside what he changed."""
        person = "" if self.person_id is None else f", person {self.person_id}"
        return f"{self.user or 'nobody'} for customer {self.customer.id}{person}"

    def warned(self, notices: Sequence[Notice]) -> "Ask":
        """The same with what else its sender should know."""
        known = self.decoded.notices
        more = tuple(one for one in notices if one not in known)
        return replace(self, decoded=replace(self.decoded, notices=(*known, *more)))

    @property
    def is_grouped(self) -> bool:
        """Whether it may be accepted together with others: sends without locks of their own."""
        request = self.request
        return isinstance(request, Send) and not (
            request.open or request.create_list or request.dry_run or self.redelivered
        )

    @property
    def key(self) -> Key | None:
        """By what it is recognised; only what stores something has a key."""
        match self.request:
            case Send(dry_run=False) if self.request_id:
                return Key(self.customer.id, self.request_id)
            case Extend(request_id=name, frame=frame):
                return Key(self.customer.id, name, frame)
            case Close(request_id=name):
                return Key(self.customer.id, name, accepting.CLOSE)
        if self.request_id and isinstance(self.request, Keyed):
            return Key(self.customer.id, self.request_id)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """A request that was refused before anything was done."""

    refused: Refused
    back: Back
    customer_id: int
    """0 = nobody knows whose it was."""
    request_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """A parcel that is no request at all, or that nothing can be done with."""

    reason: NotARequest
    back: Back
    customer_id: int
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a request. Everything in it is committed."""

    result: str
    """For the metrics: accepted, repeated, conflict, refused, answered or kept."""
    answer: Answer | None = None
    repeated: bytes | None = None
    """The first answer again, as it was; instead of `answer`."""
    memory: int | None = None
    """By what a request without a key is remembered until its acknowledgement has arrived."""
    delay: float = 0.0
    """Seconds before the answer: until then a permit from before the commit may start something."""
    opened: bool = False
    """Whether frames may have come before it."""

    @property
    def is_awaited(self) -> bool:
        """Whether it was seen before, and its first answer is still to come."""
        return self.result == "repeated" and self.repeated is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the configuration says about requests. Times in seconds."""

    key_lifetime: float
    open_timeout: float
    permit_window: float
    message_domain: str
    """What Message-IDs end in."""
    early_lifetime: float = 600.0
    """How long a frame waits for its send."""
    inline_limit: int = 10_000
    """How many an audience from the directory may come to and still be found within an accept."""
    expand_timeout: float = 600.0
    """Seconds that finding a larger one may take."""
    need_dot: bool = True
    """Whether the domain of an address must have a dot (Q6)."""
