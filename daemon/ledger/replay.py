"""Telling again what was told: the same events under the same ids, at no particular time.

A replay is published page by page, each waiting for its confirms, so that live events go between.
It keeps nothing: one that is cut short by a stop is asked for again.
"""

from datetime import datetime

from daemon import logs
from daemon.broker.confirms import Fate
from daemon.broker.parcel import Outgoing
from daemon.broker.publisher import BatchPublisher
from daemon.mail.event import MEDIA_TYPE, Told, Type, cloud_event
from daemon.store import door, replays
from daemon.store.replays import Stretch

TRIES = 10
"""Times that a page is published before the replay is given up: the broker refuses it."""

_log = logs.get("ledger.replay")


class Replayer:
    """Publishes stored events again. `seconds` bounds the confirms of one page."""

    def __init__(
        self,
        store: door.Store,
        publisher: BatchPublisher,
        *,
        exchange: str,
        source: str,
        page: int,
        seconds: float,
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._exchange = exchange
        self._source = source
        self._page = page
        self._seconds = seconds

    async def number(self, stretch: Stretch) -> int:
        """How many events a replay would tell."""
        return await replays.number(self._store, stretch)

    async def run(self, stretch: Stretch) -> int:
        """Tells everything in the stretch; answers how many events the broker has taken."""
        after, told = (0, 0), 0
        while page := await replays.page(self._store, stretch, after=after, limit=self._page):
            after = (page[-1].stream, page[-1].seq)
            wanted = [one for one in page if _is_wanted(one, stretch.start, stretch.end)]
            if not await self._publish(wanted):
                _log.warning("replay.given_up", customer=stretch.customer_id, told=told)
                break
            told += len(wanted)
        _log.info("replay.ended", customer=stretch.customer_id, told=told)
        return told

    async def _publish(self, page: list[Told]) -> bool:
        """Whether the broker has taken all of them; what it didn't is published again."""
        left = [self._outgoing(one) for one in page]
        for _ in range(TRIES):
            if not left:
                return True
            published = await self._publisher.publish(self._exchange, left, seconds=self._seconds)
            open_ones = zip(left, published.fates, strict=True)
            left = [one for one, fate in open_ones if fate in (Fate.UNKNOWN, Fate.NACKED)]
        return not left

    def _outgoing(self, told: Told) -> Outgoing:
        return Outgoing(
            routing_key=told.routing_key,
            body=cloud_event(told, source=self._source),
            message_id=str(told.id),
            type=told.event.type,
            content_type=MEDIA_TYPE,
        )


def _is_wanted(told: Told, start: datetime, end: datetime) -> bool:
    return start <= told.at < end and told.event.type is not Type.DELIVERY_REPEATED
