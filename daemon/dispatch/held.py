"""What this instance holds in memory: deliveries of claimed batches, and claimed retry rows."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from daemon.mail.attempt import Key, Tenure
from daemon.mail.outcome import Outcome, Withheld
from daemon.mail.standing import Fact
from daemon.store import claims


@dataclass(slots=True, kw_only=True, eq=False)
class Claim:
    """One claimed batch or retry row: ours until each delivery we hold of it has come to an end."""

    batch_id: int | None
    retry_id: int | None
    epoch: int
    outstanding: int
    to_give_back: bool = False
    """Whether something of it was put off, so that it must wait again."""


@dataclass(slots=True, kw_only=True, eq=False)
class Held:
    """One delivery that waits for its permit, has one, or is under way."""

    delivery: claims.Delivery
    job_id: UUID
    customer_id: int
    message_id: int
    spec: dict[str, Any] = field(repr=False)
    attempt: int
    epoch: int
    claim: Claim
    klass: int
    asked: bool = False
    """Whether a permit was asked for: its letter may say that it is under way."""
    until: float = 0.0
    """End of its permit's window by `clock`; 0 = it has none."""
    date: datetime | None = None
    """The Date of its mail, known from its permit."""
    taken: float = 0.0
    """Monotonic moment at which a courier took it."""

    @property
    def id(self) -> int:
        """The delivery's id."""
        return self.delivery.id

    @property
    def tenure(self) -> Tenure:
        """By what it is held."""
        return Tenure(self.job_id, self.claim.retry_id or 0, self.epoch)

    @property
    def key(self) -> Key:
        """What the journal knows this try by."""
        return Key(self.id, self.attempt, self.claim.retry_id or 0, self.epoch)

    def ask(self) -> claims.Ask:
        """What a permit needs to know of it."""
        return claims.Ask(
            delivery_id=self.id,
            epoch=self.epoch,
            supp=self.delivery.supp,
            path=self.delivery.path,
            retry_id=self.claim.retry_id,
        )

    def fact(self, outcome: Outcome | Withheld, *, took: float = 0.0) -> Fact:
        """What became of it."""
        return Fact(
            delivery_id=self.id,
            job_id=self.job_id,
            customer_id=self.customer_id,
            message_id=self.message_id,
            address=self.delivery.address,
            path=self.delivery.path,
            attempt=self.attempt,
            epoch=self.epoch,
            retry_id=self.claim.retry_id,
            outcome=outcome,
            took=took,
        )


class Holdings:
    """The claims we know of. Whatever else the database calls ours is a stray, and is given back.

    A stray is what was claimed while the connection was lost: we never heard what it was.
    """

    def __init__(self) -> None:
        self.taking = asyncio.Lock()
        """Held from before a claim is sent until what it took is known here."""
        self._claims: set[Claim] = set()

    def add(self, held: Iterable[Held]) -> None:
        """Knows the claims of what was taken."""
        self._claims.update(each.claim for each in held)

    def leave(self, claim: Claim) -> None:
        """Forgets a claim nothing of which is ours any more."""
        self._claims.discard(claim)

    @property
    def batches(self) -> list[int]:
        """Batches that are claimed."""
        return [claim.batch_id for claim in self._claims if claim.batch_id is not None]

    @property
    def retries(self) -> list[int]:
        """Retry rows that are claimed."""
        return [claim.retry_id for claim in self._claims if claim.retry_id is not None]


def of_batches(
    batches: list[claims.Batch], deliveries: list[claims.Delivery], klass: int
) -> list[Held]:
    """What waits in claimed batches, in rank order: only deliveries whose letter is waiting."""
    at = {batch.id: batch for batch in batches}
    found: dict[int, list[Held]] = {batch.id: [] for batch in batches}
    made = {batch.id: _claim(batch) for batch in batches}
    for delivery in deliveries:
        batch_id, position = divmod(delivery.id, 512)
        batch = at[batch_id]
        if batch.state[position] == "w":
            made[batch_id].outstanding += 1
            found[batch_id].append(_of_batch(batch, delivery, made[batch_id], klass))
    return [held for batch in batches for held in found[batch.id]]


def _claim(batch: claims.Batch) -> Claim:
    return Claim(batch_id=batch.id, retry_id=None, epoch=batch.epoch, outstanding=0)


def _of_batch(batch: claims.Batch, delivery: claims.Delivery, claim: Claim, klass: int) -> Held:
    return Held(
        delivery=delivery,
        job_id=batch.job_id,
        customer_id=batch.customer_id,
        message_id=batch.message_id,
        spec=batch.spec,
        attempt=1,
        epoch=batch.epoch,
        claim=claim,
        klass=klass,
    )


def of_retries(retries: list[claims.Retry], klass: int) -> list[Held]:
    """What claimed retry rows hold."""
    return [
        Held(
            delivery=retry.delivery,
            job_id=retry.job_id,
            customer_id=retry.customer_id,
            message_id=retry.message_id,
            spec=retry.spec,
            attempt=retry.attempt + 1,
            epoch=retry.epoch,
            claim=Claim(batch_id=None, retry_id=retry.id, epoch=retry.epoch, outstanding=1),
            klass=klass,
        )
        for retry in retries
    ]
