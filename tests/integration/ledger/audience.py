"""Who hears from writers, and what they write in these tests."""

import asyncio
import time
from collections.abc import Callable, Sequence

from daemon.mail.event import Event, Told, Type
from daemon.store import streams

PATIENCE = 10.0
"""Seconds that anything here may take."""


class Listener:
    """An audience that remembers."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.streams_ended: list[streams.Stream] = []

    def offer(self, told: Sequence[Told]) -> None:
        """Keeps what was committed."""
        self.told += told

    def ended(self, stream: streams.Stream) -> None:
        """Keeps which streams have ended."""
        self.streams_ended.append(stream)


def events(*texts: str, kind: Type = Type.DELIVERY_SENT) -> list[Event]:
    """Events that are told apart by their text."""
    return [Event(type=kind, customer_id=1, text=text) for text in texts]


async def until(condition: Callable[[], object]) -> None:
    """Waits for something to become true, which nothing gives a signal of."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        await asyncio.sleep(0.01)
