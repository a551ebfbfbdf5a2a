"""Replays: what was told is told again, and nothing else (promise 8)."""

from datetime import UTC, datetime, timedelta

from daemon.broker.publisher import BatchPublisher
from daemon.ledger.replay import Replayer
from daemon.ledger.writer import Writer
from daemon.mail.event import Event, Type
from daemon.store.replays import Stretch
from tests.integration.ledger.audience import Listener
from tests.integration.ledger.scene import Scene, numbers, told
from tests.waiting import until

EVER = datetime(2020, 1, 1, tzinfo=UTC)
OURS, OTHERS = 1, 2


async def _put(writer: Writer, texts: list[str]) -> None:
    """Each with one of another customer beside it."""
    for text in texts:
        async with writer.transaction() as append:
            await append.events(
                [
                    Event(type=Type.DELIVERY_SENT, customer_id=customer, text=text)
                    for customer in (OURS, OTHERS)
                ]
            )


async def test_exactly_the_stretch_that_was_asked_for(scene: Scene) -> None:
    """Of a stream or of a time, page by page, in order, under the same ids; of one customer only.

    What isn't told yet is told in its turn, and by no replay.
    """
    first, second = numbers(10), numbers(10, 10)
    async with scene.telling() as (teller, link):
        await _put(scene.writer(teller), first)
        middle: datetime = await scene.bare.fetchval("SELECT clock_timestamp()")
        await _put(scene.writer(teller), second)
        await told(teller)
        await until(lambda: len(scene.heard) >= 40)
        before = dict(scene.heard)
        await _put(Writer(scene.store, Listener(), instance=scene.instance, kind="t"), ["untold"])
        streams = await scene.bare.fetch("SELECT number FROM stream ORDER BY number")
        later = datetime.now(UTC) + timedelta(hours=1)
        replayer = Replayer(
            scene.store, BatchPublisher(link), exchange=scene.names.events, source="t", page=3,
            seconds=5.0,
        )  # fmt: skip
        for stretch, wanted in (
            (Stretch(customer_id=OURS, start=EVER, end=later), [*first, *second]),
            (Stretch(customer_id=OURS, start=EVER, end=middle), first),
            (Stretch(customer_id=OURS, start=middle, end=later), second),
            (
                Stretch(customer_id=OURS, start=EVER, end=later, stream=streams[1]["number"]),
                second,
            ),
            (
                Stretch(customer_id=OURS, start=middle, end=later, stream=streams[0]["number"]),
                [],
            ),
        ):
            scene.heard.clear()
            assert await replayer.number(stretch) == len(wanted)
            assert await replayer.run(stretch) == len(wanted)
            await until(lambda wanted=wanted: len(scene.heard) >= len(wanted))
            assert [text for _, text in scene.heard] == wanted
            assert all(before[name] == text for name, text in scene.heard)
