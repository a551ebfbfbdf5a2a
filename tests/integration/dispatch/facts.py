"""Facts about deliveries that were claimed and permitted, as an instance would tell them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from daemon.dispatch.settler import Settler
from daemon.ledger.writer import Writer
from daemon.mail import ids
from daemon.mail.outcome import Outcome, Withheld
from daemon.mail.retry import Schedule
from daemon.mail.standing import Fact
from daemon.store import claims, door
from tests.integration.dispatch.conftest import Ground
from tests.integration.ledger.audience import Listener

LATER = Schedule(first=300.0, jitter=0.0)
Result = Outcome | Withheld


@asynccontextmanager
async def settling(
    store: door.Store, instance: UUID, *, schedule: Schedule = LATER
) -> AsyncIterator[Settler]:
    """A settler at work, whose events nobody tells."""
    settler = Settler(
        Writer(store, Listener(), instance=instance, kind="settle"),
        schedule=lambda: schedule,
        sample=lambda: 0.0,
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(settler.run())
        yield settler
        await settler.drained()
        task.cancel()


async def claimed(ground: Ground, owner: UUID) -> list[claims.Batch]:
    """Everything that is due for customer 1, claimed and permitted: all of it is under way."""
    await claims.promote(ground.store)
    taken: list[claims.Batch] = []
    while True:
        batches, deliveries = await claims.batches(ground.store, ground.lanes[1], 1, owner, 500)
        if not batches:
            return taken
        taken += batches
        epochs = {batch.id: batch.epoch for batch in batches}
        asks = [
            claims.Ask(
                delivery_id=one.id, epoch=epochs[one.id // ids.BATCH_SPAN], supp="", retry_id=None
            )
            for one in deliveries
        ]
        await claims.permit(ground.store, owner, asks)


async def retried(ground: Ground, owner: UUID, *, is_permitted: bool = True) -> list[claims.Retry]:
    """The retry rows of customer 1, claimed whenever they are due, and permitted."""
    await ground.bare.execute("UPDATE retry SET due_at = now(), rank = 1 WHERE owner IS NULL")
    rows = await claims.retries(ground.store, ground.lanes[1], 1, owner, 500, None)
    if is_permitted:
        await claims.permit(ground.store, owner, [ask(row) for row in rows])
    return rows


def ask(row: claims.Retry) -> claims.Ask:
    """What a permit needs to know of a claimed retry row."""
    return claims.Ask(delivery_id=row.delivery.id, epoch=row.epoch, supp="", retry_id=row.id)


def facts(batch: claims.Batch, results: Sequence[Result]) -> list[Fact]:
    """What became of the deliveries of a batch, in their order."""
    return [
        Fact(
            delivery_id=ids.delivery_id(batch.id, position),
            job_id=batch.job_id,
            customer_id=batch.customer_id,
            message_id=batch.message_id,
            address=f"p{position}@x.example",
            attempt=1,
            epoch=batch.epoch,
            retry_id=None,
            outcome=result,
        )
        for position, result in enumerate(results)
    ]


def of_retry(row: claims.Retry, result: Result) -> Fact:
    """What became of a retried delivery."""
    return Fact(
        delivery_id=row.delivery.id,
        job_id=row.job_id,
        customer_id=row.customer_id,
        message_id=row.message_id,
        address=row.delivery.address,
        attempt=row.attempt + 1,
        epoch=row.epoch,
        retry_id=row.id,
        outcome=result,
    )
