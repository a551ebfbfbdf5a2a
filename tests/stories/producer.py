"""Who asks: publishes requests with confirms, and waits for the answers."""

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq import spec

from tests.checker.evidence import Request
from tests.stories.ear import LOST, PATIENCE, is_ours

_PAUSE = 0.2
_CONFIRM = 5.0
"""Seconds for one confirm; then the same is published again."""
_LONGEST = 60.0
"""Seconds in which a request must be confirmed, whatever happens to the broker meanwhile."""


class _Keyless(spec.Basic.Properties):
    """Properties that keep no message_id: the client library makes one up where there is none."""

    message_id = property(lambda _: None, lambda _, __: None)  # type: ignore[assignment]


@dataclass(slots=True, kw_only=True)
class Asked:
    """A request on its way."""

    body: Mapping[str, Any] | bytes
    message_id: str | None
    kind: str | None
    key: str
    wants_answer: bool
    meant: Sequence[Mapping[str, Any]] = ()
    """Whom its terms yield, as the story knows them: for the checker."""
    correlation_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    confirmed: float = 0.0
    answer: dict[str, Any] | None = None
    answered: float | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def job(self) -> str:
        """The job that the answer names."""
        return str(self.done["job"])

    @property
    def done(self) -> dict[str, Any]:
        """The answer, which says that it was done."""
        assert self.request.is_positive, self.answer
        return self.said

    @property
    def said(self) -> dict[str, Any]:
        """The answer."""
        assert self.answer is not None, f"not answered: {self.body!r:.200}"
        return self.answer

    @property
    def request(self) -> Request:
        """As the checker sees it."""
        return Request(
            body=self.body,
            message_id=self.message_id,
            kind=self.kind,
            confirmed=self.confirmed,
            wants_answer=self.wants_answer,
            answer=self.answer,
            answered=self.answered,
            meant=self.meant,
        )


class Producer:
    """One who sends requests, and everything he has sent."""

    def __init__(self, url: str, exchange: str, replies: str) -> None:
        self._url = url
        self._exchange = exchange
        self._replies = replies
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._waiting: dict[str, Asked] = {}
        self.published: list[Asked] = []
        self.user: str | None = None
        """The broker user that parcels name as their publisher; None = nobody."""

    def heard(self, message: AbstractIncomingMessage) -> None:
        """Takes an answer. The first counts: a repeat of it is the same."""
        asked = self._waiting.get(message.correlation_id or "")
        if asked is not None and asked.answer is None:
            asked.answer, asked.answered = json.loads(message.body), time.time()
            asked.arrived.set()

    async def ask(
        self,
        body: Mapping[str, Any] | bytes,
        *,
        message_id: str | None = None,
        kind: str | None = None,
        key: str = "request.normal",
        seconds: float = 20.0,
        meant: Sequence[Mapping[str, Any]] = (),
    ) -> Asked:
        """Publishes a request and waits for its answer."""
        asked = await self.tell(
            body, message_id=message_id, kind=kind, key=key, wants_answer=True, meant=meant
        )
        return await self.answered(asked, seconds=seconds)

    async def answered(self, asked: Asked, *, seconds: float = 20.0) -> Asked:
        """Waits for the answer of what was published."""
        try:
            async with asyncio.timeout(seconds):
                await asked.arrived.wait()
        except TimeoutError:
            raise AssertionError(f"no answer within {seconds} s: {asked.body!r:.200}") from None
        return asked

    async def tell(
        self,
        body: Mapping[str, Any] | bytes,
        *,
        message_id: str | None = None,
        is_keyless: bool = False,
        kind: str | None = None,
        key: str = "request.normal",
        wants_answer: bool = False,
        meant: Sequence[Mapping[str, Any]] = (),
    ) -> Asked:
        """Publishes a request and returns once it is confirmed; the same again until it is."""
        asked = Asked(
            body=body,
            message_id=None if is_keyless else message_id or uuid.uuid4().hex,
            kind=kind,
            key=key,
            wants_answer=wants_answer,
            meant=meant,
        )
        self._waiting[asked.correlation_id] = asked
        async with asyncio.timeout(_LONGEST):
            while not await self._publish(asked):  # noqa: ASYNC110 - no sign tells of its return
                await asyncio.sleep(_PAUSE)
        asked.confirmed = time.time()
        self.published.append(asked)
        return asked

    async def close(self) -> None:
        """Hangs up."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = self._channel = None

    async def _publish(self, asked: Asked) -> bool:
        try:
            async with asyncio.timeout(_CONFIRM):
                channel = await (self._channel or await self._open()).get_underlay_channel()
                message = self._message(asked)
                await channel.basic_publish(
                    message.body,
                    exchange=self._exchange,
                    routing_key=asked.key,
                    mandatory=True,
                    properties=message.properties if asked.message_id else _keyless(message),
                )
        except LOST:
            await self._drop()
            return False
        except asyncio.CancelledError:
            if is_ours():
                raise
            await self._drop()
            return False
        return True

    def _message(self, asked: Asked) -> aio_pika.Message:
        body = asked.body if isinstance(asked.body, bytes) else json.dumps(asked.body).encode()
        return aio_pika.Message(
            body,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=asked.message_id,
            type=asked.kind,
            correlation_id=asked.correlation_id,
            reply_to=self._replies if asked.wants_answer else None,
            user_id=self.user,
        )

    async def _open(self) -> AbstractChannel:
        """One for all who publish at once: nobody would close those of the others."""
        async with self._opening:
            if self._channel is None:
                self._connection = await aio_pika.connect(self._url, timeout=PATIENCE)
                self._channel = await self._connection.channel(on_return_raises=True)
            return self._channel

    async def _drop(self) -> None:
        """Forgets a connection that is of no use any more."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None and not connection.is_closed:
            with contextlib.suppress(*LOST):
                await connection.close()


def _keyless(message: aio_pika.Message) -> _Keyless:
    return _Keyless(
        content_type=message.content_type,
        delivery_mode=message.delivery_mode,
        correlation_id=message.correlation_id,
        reply_to=message.reply_to,
    )
