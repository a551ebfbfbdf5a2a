"""What is due the moment it is accepted, and finds its lane free, is taken by the accept itself.

It is claimed and permitted within the transaction that stores it, by the statement that looks for
suppressions, and handed to its lane after the commit: no round of the claimer, no permit that waits
for its turn. The window of its permit counts from before that statement was sent, so that whatever
was answered one window after its own commit still holds. Whoever comes while others of his class
wait goes to the end of the line like everyone: this is no way past it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from daemon import metrics
from daemon.dispatch import clock
from daemon.dispatch.claimer import Claimer
from daemon.dispatch.crew import Crew
from daemon.dispatch.ends import Endings
from daemon.dispatch.held import Claim, Held, Holdings
from daemon.mail import ids
from daemon.store import claims

_EPOCH = 1
"""Of a claim that is a batch's first."""


class Express:
    """Where the accepts of an instance ask, and what they took is handed over."""

    def __init__(
        self,
        crews: Mapping[int, Crew],
        claimer: Claimer,
        holdings: Holdings,
        endings: Endings,
        *,
        instance: UUID,
        permit_window: float,
    ) -> None:
        self.instance = instance
        self.permit_window = permit_window
        self._crews = crews
        self._claimer = claimer
        self._holdings = holdings
        self._endings = endings
        self._booked: Counter[int] = Counter()

    @contextmanager
    def trip(self) -> Iterator["Trip"]:
        """One transaction's: what it books and doesn't take is free again afterwards."""
        trip = Trip(self)
        try:
            yield trip
        finally:
            self._booked -= trip.booked

    def may(self, klass: int) -> bool:
        """Whether there is any lane with room for a class."""
        return any(self._has_room(lane, klass) for lane in self._crews)

    def book(self, lane: int, klass: int) -> bool:
        """Keeps a place for one delivery; whoever gets none waits, and so do all after him."""
        if not self._has_room(lane, klass):
            self._claimer.queues(lane, klass)
            return False
        self._booked[lane] += 1
        return True

    def _has_room(self, lane: int, klass: int) -> bool:
        crew = self._crews.get(lane)
        if crew is None or not self._claimer.may_take(lane, klass):
            return False
        return crew.room(klass) > self._booked[lane]

    def arrive(self, taken: claims.Taken, until: float) -> None:
        """Hands over what has been committed."""
        held = _held(taken, until)
        self._holdings.add([held])
        metrics.claims("express").inc()
        metrics.permits("go").inc()
        crew = self._crews.get(taken.lane)
        if crew is None or crew.lane.closing or clock.now() >= until:
            # without a permit, which is as good as not having started; others may have it
            self._endings.returned(held)
        else:
            crew.admit([held])


class Trip:
    """What one accept has booked and taken."""

    __slots__ = ("_express", "_taken", "_until", "booked")

    def __init__(self, express: Express) -> None:
        self._express = express
        self._taken: list[claims.Taken] = []
        self._until = 0.0
        self.booked: Counter[int] = Counter()
        """Places by lane."""

    @property
    def instance(self) -> UUID:
        """Who takes it."""
        return self._express.instance

    def may(self, klass: int) -> bool:
        """Whether a delivery of a class could be taken, in some lane."""
        return self._express.may(klass)

    def book(self, lane: int, klass: int) -> bool:
        """Whether one may be taken; the statement that does so has not been sent yet."""
        if not self._express.book(lane, klass):
            return False
        self.booked[lane] += 1
        self._until = self._until or clock.now() + self._express.permit_window
        return True

    def take(self, taken: claims.Taken) -> None:
        """Notes what was taken, and will be ours once this has committed."""
        self._taken.append(taken)

    def arrive(self) -> None:
        """All of it is committed."""
        for taken in self._taken:
            self._express.arrive(taken, self._until)


def _held(taken: claims.Taken, until: float) -> Held:
    batch, _ = ids.place_of(taken.delivery.id)
    return Held(
        delivery=taken.delivery,
        job_id=taken.job_id,
        customer_id=taken.customer_id,
        message_id=taken.message_id,
        spec=taken.spec,
        attempt=1,
        epoch=_EPOCH,
        claim=Claim(batch_id=batch, retry_id=None, epoch=_EPOCH, outstanding=1),
        klass=taken.klass,
        asked=True,
        until=until,
        date=taken.at,
    )
