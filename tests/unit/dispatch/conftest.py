"""A lane of this instance, what it may hold, and a clock that stands until it is moved."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from daemon.dispatch import clock as clocks
from daemon.dispatch import lane as lane_at_work
from daemon.dispatch.held import Claim, Held
from daemon.dispatch.lane import Lane, Settings
from daemon.mail.attempt import Attempt, Envelope
from daemon.mail.content import Content
from daemon.mail.outcome import Failed, Outcome
from daemon.precedence import Precedence
from daemon.store import claims, lanes

SETTINGS = Settings(idle=20.0, permit_size=100, permit_window=0.25, shares={0: 8, 1: 4, 2: 1})


class Clock:
    """Stands in for the module `time`, as far as a lane uses it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """The time of the test."""
        return self.now


@dataclass(slots=True)
class Ends:
    """Remembers how deliveries left the lane."""

    outcomes: list[tuple[Held, Outcome]] = field(default_factory=list)
    back: list[Held] = field(default_factory=list)

    def ended(self, held: Held, outcome: Outcome) -> None:
        """An attempt has an outcome."""
        self.outcomes.append((held, outcome))

    def returned(self, held: Held) -> None:
        """It never started."""
        self.back.append(held)


class Composer:
    """Composes everything but what has no address."""

    def attempt(self, held: Held, lane: lanes.Lane) -> Attempt | Failed:
        """The smallest attempt there is."""
        if not held.delivery.address:
            return Failed(reason="content")
        return Attempt(
            delivery_id=held.id,
            number=held.attempt,
            envelope=Envelope(sender="", recipient=held.delivery.address),
            content=Content(data=b"\r\n"),
        )


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """The clock of lanes and of what they hold; the event loop's own goes on."""
    clock = Clock()
    monkeypatch.setattr(lane_at_work, "time", clock)
    monkeypatch.setattr(clocks, "now", clock.monotonic)
    return clock


@pytest.fixture
def ends() -> Ends:
    """How deliveries left."""
    return Ends()


@pytest.fixture(autouse=True)
def precedence(monkeypatch) -> Precedence:
    """What lanes have urgent in hand: a test's own, though a process has one."""
    own = Precedence()
    monkeypatch.setattr(lane_at_work, "precedence", own)
    return own


@pytest.fixture
def lane(clock: Clock, ends: Ends) -> Lane:
    """A lane that may have ten connections open."""
    at = lanes.Lane(
        id=1, transport_id=1, site="", max_connections=10, max_per_second=0.0, customer_id=1,
        name="a", kind="smtp", host="h", port=25, tls="none", username=None, sender="",
    )  # fmt: skip
    made = Lane(at, SETTINGS, composer=Composer(), ends=ends, hungry=lambda: None)
    made.granted = 10
    return made


@pytest.fixture
def hold() -> Callable[..., list[Held]]:
    """Makes deliveries as a claim of one batch holds them."""
    made = iter(range(10_000))

    def held(number: int, *, klass: int = 1, address: str = "p@x.example") -> list[Held]:
        claim = Claim(batch_id=7, retry_id=None, epoch=1, outstanding=number)
        return [
            Held(
                delivery=claims.Delivery(
                    id=next(made), address=address, supp="", name=None, variables={}, override=None
                ),
                job_id=UUID(int=1),
                customer_id=1,
                message_id=1,
                spec={},
                attempt=1,
                epoch=1,
                claim=claim,
                klass=klass,
            )
            for _ in range(number)
        ]

    return held
