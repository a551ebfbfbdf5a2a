"""Sends to one recipient who is to get it at once: dispatch may take them with their accept.

What can be taken is known here, what there is room for in dispatch; `Trip` is all that intake knows
of it. Without one, as where another instance delivers, everything waits to be claimed.
"""

from collections.abc import Container, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import islice
from typing import Protocol
from uuid import UUID

from daemon.intake.entry import Entry
from daemon.mail.plan import Plan
from daemon.store import claims


class Trip(Protocol):
    """What one accept may take, and has taken."""

    @property
    def instance(self) -> UUID:
        """Who takes it."""

    def may(self, klass: int) -> bool:
        """Whether there is room anywhere for a delivery of a class."""

    def book(self, lane: int, klass: int) -> bool:
        """Keeps a place for one, until the trip is over."""

    def take(self, taken: claims.Taken) -> None:
        """Notes one that will be taken by the commit."""

    def arrive(self) -> None:
        """Hands over all that was taken: the commit is known."""


class Express(Protocol):
    """Whoever takes deliveries right from their accept."""

    def trip(self) -> AbstractContextManager[Trip]:
        """For one transaction."""


def wished(entries: Iterable[Entry], trip: Trip | None) -> set[UUID]:
    """The jobs of which something could be taken."""
    if trip is None:
        return set()
    return {entry.job.id for entry in entries if _is_single(entry) and trip.may(entry.job.klass)}


def book(entries: Iterable[Entry], wished: Container[UUID], trip: Trip | None) -> None:
    """Keeps places for those that are stored, each in its lane."""
    for entry in entries:
        if trip and entry.audience and entry.stored and entry.job.id in wished:
            lane = entry.stored.lane_id
            if lane is not None and trip.book(lane, entry.job.klass):
                entry.taker = trip.instance


def take(entries: Iterable[Entry], trip: Trip | None, at: datetime) -> None:
    """Notes what is taken of those that are accepted; `at`: the moment of the transaction."""
    for entry in entries:
        if trip and entry.taken and entry.stored:
            trip.take(_taken(entry, entry.taken, at))


def _taken(entry: Entry, delivery: claims.Delivery, at: datetime) -> claims.Taken:
    job, stored = entry.job, entry.stored
    assert stored is not None and stored.spec is not None  # noqa: S101, PT018 - it was booked
    assert stored.lane_id is not None and stored.message_id is not None  # noqa: S101, PT018
    return claims.Taken(
        lane=stored.lane_id,
        klass=job.klass,
        job_id=job.id,
        customer_id=job.customer_id,
        message_id=stored.message_id,
        spec=stored.spec,
        delivery=delivery,
        at=at,
    )


def _is_single(entry: Entry) -> bool:
    """Whether it is for one recipient, and due now."""
    plan, send = entry.planned, entry.send
    if send.open or entry.meant is not None or not isinstance(plan, Plan):
        return False
    is_plain = plan.windows is None and plan.spread is None and plan.local is None
    return is_plain and not entry.is_ahead and len(list(islice(send.recipients, 2))) == 1
