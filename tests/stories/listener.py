"""Who listens to the event exchange, and waits for what must come."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from aio_pika.abc import AbstractIncomingMessage

from tests.checker.evidence import DeadLetter, Event

PATIENCE = 30.0
"""Seconds for an event to come, unless a story says otherwise."""


class Listener:
    """Every event and dead letter, in the order in which they came, repeats included."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.dead: list[DeadLetter] = []
        self.first: dict[str, Event] = {}
        """Each event once, by its id."""
        self._counts: Counter[tuple[str, str | None]] = Counter()
        self._news = asyncio.Event()

    def heard(self, message: AbstractIncomingMessage) -> None:
        """Takes an event."""
        event = Event(
            document=json.loads(message.body),
            routing_key=message.routing_key or "",
            message_id=message.message_id,
            content_type=message.content_type,
            received=time.time(),
        )
        self.events.append(event)
        if event.id not in self.first:
            self.first[event.id] = event
            self._counts[event.type, None] += 1
            self._counts[event.type, event.job] += event.job is not None
        self._news.set()

    def burial(self, message: AbstractIncomingMessage) -> None:
        """Takes a dead letter: ours says its reason, the broker's has a record of its deaths.

        What we reject, which is only what is too large, lies there as the broker's.
        """
        deaths: Any = message.headers.get("x-death")
        reason = deaths[0]["reason"] if deaths else message.headers.get("reason")
        is_brokers = bool(deaths) and reason != "rejected"
        reason = "too_large" if deaths and not is_brokers else reason
        self.dead.append(
            DeadLetter(
                message_id=message.message_id,
                body=message.body,
                reason=None if reason is None else str(reason),
                is_brokers=is_brokers,
            )
        )
        self._news.set()

    def of(self, kind: str, job: str | None = None) -> list[Event]:
        """The events of one type, of one job or of all, each once."""
        return [
            event
            for event in self.first.values()
            if event.type == kind and job in (None, event.job)
        ]

    def number(self, kind: str, job: str | None = None) -> int:
        """How many of them there are."""
        return self._counts[kind, job]

    async def until(
        self, done: Callable[[], bool], what: str, *, seconds: float = PATIENCE
    ) -> None:
        """Returns once something holds; AssertionError with what came when it doesn't in time."""
        try:
            async with asyncio.timeout(seconds):
                while not done():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            came = {kind: number for (kind, job), number in self._counts.items() if job is None}
            raise AssertionError(f"{what}: not within {seconds} s; there came {came}") from None

    async def count(
        self, kind: str, number: int, job: str | None = None, *, seconds: float = PATIENCE
    ) -> list[Event]:
        """So many events of a type, once they have come."""
        await self.until(
            lambda: self.number(kind, job) >= number, f"{number} {kind}", seconds=seconds
        )
        return self.of(kind, job)

    async def buried(self, number: int) -> list[DeadLetter]:
        """The dead letters, once there are so many."""
        await self.until(lambda: len(self.dead) >= number, f"{number} dead letters")
        return self.dead

    async def rejected(self, key: str | None) -> Event:
        """The rejection of a request, by its key."""

        def found() -> list[Event]:
            return [one for one in self.of("request.rejected") if one.data["request_id"] == key]

        await self.until(lambda: bool(found()), f"the rejection of {key}")
        return found()[0]

    async def completed(self, job: str, *, seconds: float = PATIENCE) -> Event:
        """The end of a job."""
        return (await self.count("job.completed", 1, job, seconds=seconds))[0]
