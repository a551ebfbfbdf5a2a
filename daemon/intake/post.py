"""What intake publishes: answers to whoever asked, and parcels that nothing can be done with.

Both are persistent, mandatory and confirmed. An answer whose queue is gone is nobody's loss; a dead
letter that isn't confirmed is not dead yet. Answers have a channel of their own: strangers say
where they go, and one that the broker refuses closes the channel under all that is on its way.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from daemon import logs, metrics
from daemon.broker import dead as broker
from daemon.broker import errors
from daemon.broker.confirms import Fate, Published
from daemon.broker.dead import Death
from daemon.broker.parcel import Outgoing, Parcel
from daemon.broker.publisher import BatchPublisher
from daemon.intake import owing
from daemon.intake.ask import Back, Verdict
from daemon.intake.late import Late
from daemon.intake.owing import KIND, Owing
from daemon.outage import Outage
from daemon.store.owed import Owed

_log = logs.get("intake.post")
_ROOM = 255
"""Octets of a short string (AMQP 0-9-1, 4.2.5.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An answer on its way to whoever asked."""

    reply_to: str
    correlation_id: str | None
    text: bytes
    headers: Mapping[str, Any] | None


def letter(back: Back, verdict: Verdict) -> Letter | None:
    """The answer that a verdict comes to; None where nobody waits for one, or it follows later."""
    if not back.reply_to or (verdict.answer is None and verdict.repeated is None):
        return None
    text = verdict.repeated or (back.text(verdict.answer) if verdict.answer else b"")
    return Letter(
        reply_to=back.reply_to,
        correlation_id=back.correlation_id,
        text=text,
        headers=_headers(back, verdict),
    )


class Post:
    """Publishes. `seconds` bounds the wait for a confirm; `kept` is what still has to leave."""

    def __init__(
        self,
        publisher: BatchPublisher,
        answers: BatchPublisher,
        kept: deque[Outgoing],
        owing: Owing,
        *,
        dead: str,
        seconds: float,
    ) -> None:
        self._publisher = publisher
        self._answers = answers
        self._dead = dead
        self._seconds = seconds
        self._owing = owing
        self._late = Late(answers, kept, owing, seconds=seconds)
        self.why_unburied = ""
        """Why dead parcels can't be put to the dead letters, or empty."""

    async def run(self) -> None:
        """Sends what couldn't leave at once, for ever."""
        await self._late.run()

    async def adopt(self) -> None:
        """Takes over the answers that the dead have left."""
        await self._late.adopt()

    def owe(self, answers: Iterable[Owed]) -> None:
        """Sends answers that are on record as ours; those that find no room here stay there."""
        self._late.keep(owing.letter(one) for one in answers)

    async def answer(self, letters: Sequence[Letter | None]) -> None:
        """Sends answers; what nobody confirmed is sent again when the broker can, see `late`."""
        outgoing = [_outgoing(one) for one in letters if one is not None]
        if not outgoing:
            return
        published = await self._published(outgoing)
        each = list(zip(outgoing, published.fates, strict=True))
        await self._put_off([one for one, fate in each if fate is Fate.UNKNOWN])
        nacked = [fate for _, fate in each if fate is Fate.NACKED]
        self._complain("answer.lost", nacked, Outage("the broker refused them"))

    async def _published(self, letters: Sequence[Outgoing]) -> Published:
        if self._answers.is_blocked:
            return Published(fates=(Fate.UNKNOWN,) * len(letters))
        # a broker with an alarm says so only when something is published: it may begin here
        published = await self._answers.publish("", letters, seconds=self._seconds)
        for fate in published.fates:
            metrics.replies(fate.name.lower()).inc()
        return published

    async def _put_off(self, letters: Sequence[Outgoing]) -> None:
        """Nobody's acknowledgement waits until the broker takes publishes again."""
        await self._owing.note(letters)
        lost = self._late.keep(letters)
        self._complain("answer.lost", [Fate.UNKNOWN] * len(lost), Outage("too many wait"))
        await self._owing.forget(lost)

    async def bury(self, dead: Sequence[tuple[Parcel, Death]]) -> list[bool]:
        """Puts parcels to the dead letters; answers which of them are there now."""
        if not dead:
            return []
        outgoing = [broker.buried(parcel, death) for parcel, death in dead]
        published = await self._publisher.publish(self._dead, outgoing, seconds=self._seconds)
        buried = [fate is Fate.CONFIRMED for fate in published.fates]
        why = errors.Unavailable(published.why) if published.why else Outage("no queue took them")
        self.why_unburied = "" if all(buried) else str(why)
        if self.why_unburied:
            self._complain("parcel.undead", published.fates, why)
        return buried

    def _complain(self, line: str, fates: Sequence[Fate], why: Outage) -> None:
        lost = [fate for fate in fates if fate in (Fate.UNKNOWN, Fate.NACKED)]
        if lost:
            logs.outage(_log, line, why, number=len(lost))


def _headers(back: Back, verdict: Verdict) -> Mapping[str, Any] | None:
    """What the text can't say: that it was given before; a dialect's status, as over HTTP."""
    headers: dict[str, Any] = {}
    if verdict.repeated is not None:
        headers["repeated"] = True
    if back.dialect is not None:
        status = back.dialect.http_status(verdict.answer) if verdict.answer else 200
        headers["http_status"] = status
    return headers or None


def _outgoing(one: Letter) -> Outgoing:
    return Outgoing(
        routing_key=_short(one.reply_to),
        body=one.text,
        message_id=str(uuid4()),
        type=KIND,
        correlation_id=one.correlation_id and _short(one.correlation_id),
        headers=one.headers,
    )


def _short(text: str) -> str:
    """As much as AMQP has room for: what wasn't UTF-8 has grown while it was read."""
    return text.encode()[:_ROOM].decode(errors="ignore")
