"""Frames that came before their send: taken once it is stored, or told that it never came."""

from dataclasses import dataclass
from datetime import datetime

from daemon.intake import events, frames, post
from daemon.intake.ask import Ask, Back, Turned, Verdict
from daemon.intake.carry import Means
from daemon.intake.post import Letter, Post
from daemon.intake.reading import Reader
from daemon.ledger.writer import Append
from daemon.mail.refusal import Code, Refused, refused
from daemon.store import accepting, framing
from daemon.store.framing import Kept

_LATE = "is that of a send that didn't come in time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Early:
    """What is kept in table `frame`, and how it leaves it."""

    means: Means
    reader: Reader
    post: Post

    async def take(self, customer: int, request_id: str, now: datetime) -> None:
        """Enters what was kept for an open job: the frames by their numbers, a close last."""
        while True:
            async with self.means.writers.transaction() as append:
                await framing.lock(append.session, customer, request_id)
                kept = await framing.following(append.session, customer, request_id)
                if kept is None:
                    return
                letter = await self._enter(append, kept, now)
            await self.post.answer([letter])

    async def left_behind(self, now: datetime) -> None:
        """Takes what an accept that was killed has left behind."""
        for customer, request_id in await framing.left(self.means.store):
            await self.take(customer, request_id, now)

    async def expire(self) -> int:
        """Refuses what has waited too long; answers how many frames that were."""
        async with self.means.writers.transaction() as append:
            late = await framing.expired(append.session)
            turned = [
                _turned(kept, refused(Code.NOT_FOUND, _LATE, field="request_id")) for kept in late
            ]
            await append.events([events.turned_away(one) for one in turned])
        await self.post.answer([_letter(one) for one in turned])
        return len(turned)

    async def _enter(self, append: Append, kept: Kept, now: datetime) -> Letter | None:
        ask = await self._read(kept, now)
        if isinstance(ask, Refused):
            turned = _turned(kept, ask)
            await append.events([events.turned_away(turned)])
            return _letter(turned)
        verdict = await frames.entered(append, ask, self.means.terms)
        if isinstance(verdict.answer, Refused):
            await append.events([events.rejected(ask, verdict.answer)])
        return post.letter(ask.back, verdict)

    async def _read(self, kept: Kept, now: datetime) -> Ask | Refused:
        customer = await self.reader.asker.principals.customer(kept.customer_id)
        if customer is None:
            return refused(Code.AUTH_INVALID, "the customer is gone")
        return self.reader.again(kept, customer, now)


def _turned(kept: Kept, reason: Refused) -> Turned:
    command = "close" if kept.part == accepting.CLOSE else "extend"
    return Turned(
        refused=Refused(faults=reason.faults, command=command, request_id=kept.request_id),
        back=Back(reply_to=kept.reply_to, correlation_id=kept.correlation_id),
        customer_id=kept.customer_id,
        request_id=kept.request_id,
    )


def _letter(turned: Turned) -> Letter | None:
    return post.letter(turned.back, Verdict(result="refused", answer=turned.refused))
