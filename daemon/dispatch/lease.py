"""Our own lease: what we claimed is ours while it lasts, and nothing is begun after it.

The database's clock decides about others; about ourselves we decide by our own monotonic clock,
counted from before each heartbeat was sent, so that we always believe less than the others do.
"""

import asyncio
from uuid import UUID

from daemon import logs, metrics
from daemon.dispatch import clock
from daemon.store import door, errors, instances

_BEATS = 4
"""Heartbeats in one lease."""

_FAREWELL = 5.0
"""Seconds that a leave may take at most; after them nobody waits for it any more."""

_log = logs.get("dispatch.lease")


def _none() -> str:
    """Of an instance that has no brake."""
    return ""


class LeaseLost(Exception):
    """Our lease has ended: everything we claimed may be someone else's by now."""


class Lease:
    """The lease of one instance. Registered by `begin`, renewed by `run`."""

    def __init__(self, store: door.Store, instance: instances.Instance, seconds: float) -> None:
        self._store = store
        self._instance = instance
        self._seconds = seconds
        self._ends = 0.0
        self.lost = asyncio.Event()
        """Set when it is too late, at once: a beat that hangs is let go of later."""
        self.draining = False
        """Whether we say of ourselves that we are about to leave."""
        self.brake = _none
        """Why we start nothing new, which we say of ourselves as well; empty = we do."""

    @property
    def instance(self) -> UUID:
        """Whose lease it is."""
        return self._instance.id

    @property
    def about(self) -> instances.Instance:
        """The instance as the others see it."""
        return self._instance

    @property
    def is_alive(self) -> bool:
        """Whether what we claimed is still ours."""
        return clock.now() < self._ends

    async def begin(self) -> None:
        """Registers the instance."""
        sent = clock.now()
        await instances.register(self._store, self._instance, self._seconds)
        self._ends = sent + self._seconds

    async def run(self) -> None:
        """Renews until it is too late; raises `LeaseLost` when no beat is under way any more."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._beats(group)
        except* LeaseLost:
            pass
        raise LeaseLost

    async def _beats(self, group: asyncio.TaskGroup) -> None:
        while self.is_alive:
            # one that hangs, on a connection that is lost, doesn't hold up the next one
            group.create_task(self._beat(), name="lease.beat")
            await asyncio.sleep(self._seconds / _BEATS)
            metrics.lease_remaining_seconds.set(self._ends - clock.now())
        self._lose()

    async def _beat(self) -> None:
        sent = clock.now()
        try:
            async with asyncio.timeout(self._seconds / 2):
                renewed = await instances.beat(
                    self._store,
                    self.instance,
                    self._seconds,
                    draining=self.draining,
                    brake=self.brake(),
                )
        except (errors.Unavailable, errors.Again) as error:
            logs.outage(_log, "lease.beat_failed", error)
            return
        except TimeoutError:
            logs.outage(_log, "lease.beat_failed", errors.Unavailable("no answer in time"))
            return
        if not renewed:
            self._ends = 0.0  # the others know it already, whatever our own clock says
            self._lose()
        self._ends = max(self._ends, sent + self._seconds)

    def _lose(self) -> None:
        self.lost.set()
        raise LeaseLost

    async def end(self, *, is_done: bool = True) -> None:
        """Leaves: what is still ours is free at once; if something is, for our neighbours first.

        They can read the journal that we leave, others can't: so our row stays, its lease over.
        """
        self._ends = 0.0
        leave = instances.leave if is_done else instances.is_over
        try:
            async with asyncio.timeout(min(_FAREWELL, self._seconds)):
                await leave(self._store, self.instance)
        except (errors.Unavailable, errors.Again, TimeoutError) as error:
            # then it is free when the lease ends
            _log.warning("lease.not_left", why=str(error) or "no answer in time")
