"""What `top` sees: how things stand, and what happened since the look before."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.store import door, live, operator
from daemon.store.live import Class, Lane, Stream, Stretch, Trouble
from daemon.store.operator import Instance

LANES = 15
"""Lanes shown: the busiest."""
TROUBLES = 5
"""Tries shown that didn't go well: the latest."""
_OVERLAP = timedelta(minutes=10)
"""How far clocks may be apart: a look asks for no event before the last look by more than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look."""

    at: datetime
    seconds: float
    """Since the look before."""
    happened: Mapping[str, int]
    """Events of each type since then."""
    told: int
    """Events that were told since then."""
    untold: int
    classes: Sequence[Class]
    due_next: datetime | None
    lanes: Sequence[Lane]
    instances: Sequence[Instance]
    troubles: Sequence[Trouble]
    doubts: int
    """Deliveries in doubt that wait for a decision, a thousand at most."""

    def rate(self, *types: str) -> float:
        """Events of these types, a second."""
        return sum(self.happened.get(kind, 0) for kind in types) / self.seconds


class Watch:
    """Looks again and again; `begin` once before."""

    def __init__(self, store: door.Store) -> None:
        self._store = store
        self._at: datetime | None = None
        self._streams: dict[int, Stream] = {}
        self._troubles: deque[Trouble] = deque(maxlen=TROUBLES)

    async def begin(self) -> None:
        """Notes where everything stands, and what went wrong lately."""
        self._at = await live.now(self._store)
        self._streams = {one.number: one for one in await live.streams(self._store)}
        self._note(await live.lately(self._store, limit=TROUBLES))

    async def look(self) -> Seen:
        """How things stand now."""
        assert self._at is not None  # noqa: S101 - `begin` comes first
        store, before = self._store, self._at
        at, streams = await live.now(store), await live.streams(store)
        stretch, told = self._passed(streams, before)
        happened = await live.happened(store, stretch)
        self._note(await live.troubles(store, stretch, limit=TROUBLES))
        self._at, self._streams = at, {one.number: one for one in streams}
        return Seen(
            at=at,
            seconds=max((at - before).total_seconds(), 0.001),
            happened=happened,
            told=told,
            untold=sum(one.last_seq - one.told_seq for one in streams),
            classes=await live.classes(store),
            due_next=await live.due_next(store),
            lanes=await live.lanes(store, limit=LANES),
            instances=await operator.instances(store),
            troubles=list(self._troubles),
            doubts=await live.doubts(store),
        )

    def _passed(self, streams: Sequence[Stream], before: datetime) -> tuple[Stretch, int]:
        """What was appended since the last look, and how much was told. New streams are new."""
        pairs = [(self._streams.get(one.number), one) for one in streams]
        stretch = Stretch(
            numbers=[now.number for _, now in pairs],
            since=[was.last_seq if was else 0 for was, _ in pairs],
            until=[now.last_seq for _, now in pairs],
            after=before - _OVERLAP,
        )
        return stretch, sum(now.told_seq - (was.told_seq if was else 0) for was, now in pairs)

    def _note(self, found: Sequence[Trouble]) -> None:
        self._troubles.extendleft(reversed(found))
