"""A mixed load: small sends, campaigns in frames, scheduled, repeated, bad ones, second thoughts.

Every address is asked for in one place only, so that what an unsubscription must do is certain.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from tests.stories import asks
from tests.stories.house import House
from tests.stories.producer import Asked

PATIENCE = 150.0
"""Seconds for an answer, through all that happens meanwhile."""
_PLAIN = 0.96
"""The share of recipients at whom the relay behaves."""
_WORDS = (
    "greylist-1", "greylist-2", "rcpt-550", "rcpt-450-once", "dot-452-once", "dot-554",
    "421-at-rcpt-once", "421-at-dot-once", "drop-at-data-once", "drop-in-body-60-once",
    "garbage-at-data-once", "stall-at-rcpt-4-once", "stall-at-dot-2-once",
    "drop-after-dot-once", "discard-after-dot-once", "garbage-at-dot-once", "stall-at-dot-6-once",
)  # fmt: skip
"""What it does to the others."""
_POLICIES = ("resend", "resend", "hold", "give_up")
_BAD: tuple[Any, ...] = (
    b"{", b"[1]", b"\xff\xfe", b'{"v": NaN}',
    {"v": 9, "command": "send"}, {"v": 1, "command": "sned"},
    {"v": 1, "command": "send", "audience": [], "messages": []},
)  # fmt: skip
_HEAVIEST = 3
"""Campaigns at once; more would only wait."""


class Load:
    """Somebody who asks for all sorts of things, by the numbers that a seed gives."""

    def __init__(self, house: House, chance: random.Random, say: Callable[[str], None]) -> None:
        self._house = house
        self._chance = chance
        self._say = say
        self._turn = asyncio.Lock()
        self._room = asyncio.Semaphore(_HEAVIEST)
        self._numbers = itertools.count(1)
        self.deeds: Counter[str] = Counter()
        self.recipients = 0
        self.flaws: list[str] = []

    async def run(self, over: asyncio.Event, *, pause: float) -> None:
        """Asks until it is over; returns when all has been answered."""
        deeds = [deed for deed, weight in self._deeds() for _ in range(weight)]
        async with asyncio.TaskGroup() as group:
            while not over.is_set():
                deed = self._chance.choice(deeds)
                group.create_task(self._tried(deed), name=deed.__name__)
                await asyncio.sleep(self._chance.uniform(0, 2 * pause))

    def _deeds(self) -> Iterator[tuple[Callable[[], Awaitable[None]], int]]:
        yield self._small, 12
        yield self._twice, 3
        yield self._bad, 2
        yield self._scheduled, 3
        yield self._campaign, 2
        yield self._canceled, 1
        yield self._paused, 1
        yield self._unsubscribed, 1

    async def _tried(self, deed: Callable[[], Awaitable[None]]) -> None:
        name = deed.__name__.strip("_")
        self.deeds[name] += 1
        try:
            await deed()
        except (AssertionError, TimeoutError) as fault:
            self.flaws.append(f"{name}: {fault!r:.300}")
            self._say(f"!! {self.flaws[-1]}")

    async def _small(self) -> None:
        key = self._chance.choice(("request.normal", "request.urgent"))
        await self._ask(self._send(self._chance.randint(1, 5)), key=key)

    async def _twice(self) -> None:
        body = self._send(self._chance.randint(1, 3))
        first, *others = [await self._tell(body) for _ in range(self._chance.randint(2, 3))]
        for asked in (first, *others):
            await self._answered(asked)
        assert len({asked.job for asked in (first, *others)}) == 1, "one key, several jobs"

    async def _bad(self) -> None:
        body = self._chance.choice(_BAD)
        async with self._turn:
            await self._house.producer.tell(body)

    async def _scheduled(self) -> None:
        terms = {"not_before": asks.later(self._chance.uniform(1, 20))}
        await self._ask(self._send(self._chance.randint(1, 20), delivery=terms))

    async def _campaign(self) -> None:
        async with self._room:
            head = self._send(0, open=True, purpose=self._purpose())
            frames = self._chance.randint(1, 3)
            bodies = [head]
            for frame in range(1, frames + 1):
                items = self._people(self._chance.randint(10, 80))
                bodies.append(self._more("extend", head, frame=frame, items=items))
            bodies.append(self._more("close", head, frames=frames))
            self._chance.shuffle(bodies)
            for asked in [await self._tell(body) for body in bodies]:
                assert (await self._answered(asked)).done

    async def _canceled(self) -> None:
        async with self._room:
            asked = await self._ask(self._send(150, **{"class": "bulk"}))
            await asyncio.sleep(self._chance.uniform(0, 2))
            await self._ask(asks.command("cancel", job=asked.job), is_sure=False)

    async def _paused(self) -> None:
        async with self._room:
            asked = await self._ask(self._send(100, **{"class": "bulk"}))
            await self._ask(asks.command("pause", job=asked.job), is_sure=False)
            await asyncio.sleep(self._chance.uniform(0.5, 4))
            await self._ask(asks.command("resume", job=asked.job), is_sure=False)

    async def _unsubscribed(self) -> None:
        """Some of a campaign's people leave in its midst; the next one does without them."""
        people = self._people(20)
        await self._ask(self._letter(people, purpose="marketing"))
        for one in self._chance.sample(people, 3):
            await self._ask(asks.command("unsubscribe", address=one["address"]))
        again = await self._ask(self._letter(people, purpose="marketing"))
        assert again.done["counts"]["suppressed"] == 3, again.said

    def _send(self, number: int, **more: Any) -> dict[str, Any]:
        return self._letter(self._people(number), **more)

    def _letter(self, people: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        terms = {"doubt": self._chance.choice(_POLICIES)} | more.pop("delivery", {})
        return asks.send(people, delivery=terms, **more)

    def _people(self, number: int) -> list[dict[str, Any]]:
        self.recipients += number
        return [self._person() for _ in range(number)]

    def _person(self) -> dict[str, Any]:
        behaves = self._chance.random() < _PLAIN
        words = "" if behaves else f"{self._chance.choice(_WORDS)}+"
        place = next(self._numbers)
        return {"address": f"{words}n{place}@there{place % 7}.test", "name": f"Number {place}"}

    def _purpose(self) -> str:
        return self._chance.choice(("transactional", "marketing"))

    def _more(self, command: str, head: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        return asks.command(command, request_id=head["request_id"], **fields)

    async def _tell(self, body: Mapping[str, Any], **more: Any) -> Asked:
        async with self._turn:
            return await self._house.producer.tell(body, wants_answer=True, **more)

    async def _ask(self, body: Mapping[str, Any], *, is_sure: bool = True, **more: Any) -> Asked:
        """Answered; and done, if nothing that may have happened meanwhile can forbid it."""
        asked = await self._answered(await self._tell(body, **more))
        assert asked.request.is_positive or not is_sure, asked.said
        return asked

    async def _answered(self, asked: Asked) -> Asked:
        return await self._house.producer.answered(asked, seconds=PATIENCE)
