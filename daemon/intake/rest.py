"""When a queue's parcels are left where they are, because too many deliveries wait already.

Nothing is handed back: what was taken is finished, what follows stays on the queue, for any other
instance too. So a producer sees his queue grow, and RabbitMQ's own limits hold him up.
"""

import asyncio

from daemon import logs, metrics
from daemon.broker.consumer import Consumer
from daemon.mail.ceiling import Ceiling

_log = logs.get("intake.rest")


class Rest:
    """Has one consumer rest, and wakes it. `weigh` may be called at any time."""

    def __init__(self, name: str, consumer: Consumer, ceiling: Ceiling) -> None:
        self._name = name
        self._consumer = consumer
        self._ceiling = ceiling
        self._changed = asyncio.Event()
        self.why = ""
        """Why parcels are left on the queue, or empty."""

    def weigh(self, waiting: int) -> None:
        """Learns how many deliveries wait."""
        was_full = self._ceiling.is_reached
        is_full = self._ceiling.weigh(waiting)
        self.why = f"{waiting} deliveries wait, {self._ceiling.most} may" if is_full else ""
        metrics.resting(f"intake.{self._name}").set(is_full)
        if is_full != was_full:
            line = "intake.rests" if is_full else "intake.goes_on"
            _log.warning(line, queue=self._name, waiting=waiting, most=self._ceiling.most)
            self._changed.set()

    async def run(self) -> None:
        """Does what was learnt, for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await (self._consumer.rest() if self.why else self._consumer.wake())
