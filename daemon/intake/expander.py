"""Finds audiences that were put off, one at a time, each in one transaction on its own connection.

Whoever finds one holds its row: if he dies, or his connection does, nothing of it is stored and any
other expander finds the row free. A job that was changed meanwhile is looked at anew.
"""

import asyncio
from dataclasses import replace
from datetime import datetime

from daemon import crashpoints, logs
from daemon.intake import accept, draft
from daemon.intake.ask import Ask, Back
from daemon.intake.carry import Means
from daemon.intake.entry import Entry
from daemon.intake.post import Post
from daemon.intake.reading import Reader
from daemon.ledger.writer import Append, Writer
from daemon.mail import plan
from daemon.mail.refusal import Code, Refused, refused
from daemon.mail.request import answers, decode
from daemon.mail.request.decode import Decoded
from daemon.mail.request.parcel import Label
from daemon.mail.request.rules import Setting
from daemon.mail.request.send import Send
from daemon.store import accepting, errors, expanding, streams
from daemon.store.accepting import Stored
from daemon.store.expanding import Kept

EVERY = 0.5
"""Seconds between two looks for work; each is one small question."""

_log = logs.get("intake.expander")
_CANCELED = "was canceled before its audience was found"


class Expander:
    """One task."""

    def __init__(
        self, means: Means, writer: Writer, reader: Reader, post: Post, *, memory: int
    ) -> None:
        """`memory`: octets that each sort may use in the database."""
        self._store = means.store
        self._terms = means.terms
        self._chance = means.chance
        self._writer = writer
        self._reader = reader
        self._post = post
        self._memory = f"{max(memory // 1024, 64)}kB"

    async def run(self) -> None:
        """Finds for ever; what can't be found now is tried again."""
        while True:
            try:
                while await expanding.waits(self._store) and await self.once():
                    pass
            except (errors.Unavailable, errors.Again, streams.StreamLost) as error:
                logs.outage(_log, "expander.waits", error)
            await asyncio.sleep(EVERY)

    async def once(self) -> bool:
        """Finds one audience; False when somebody else is at all of them."""
        async with self._writer.transaction() as append:
            kept = await expanding.following(append.session, memory=self._memory)
            if kept is None:
                return False
            text = await self._answer(append, kept)
            owed = await expanding.give(append.session, kept.job_id, self._reader.instance, text)
        crashpoints.reach("C7")
        self._post.owe(owed)
        return True

    async def unheard(self) -> None:
        """Gives their answers to those who came to wait a moment too late."""
        self._post.owe(await expanding.unheard(self._store, self._reader.instance))

    async def close(self) -> None:
        """Ends its stream."""
        await self._writer.close()

    async def _answer(self, append: Append, kept: Kept) -> bytes:
        ask = await self._read(kept)
        crashpoints.reach("C5")
        if isinstance(ask, Ask) and kept.state == "expanding":
            entry = self._entry(ask, kept, append.at)
            return await accept.found(append, entry, self._terms)
        reason = ask if isinstance(ask, Refused) else refused(Code.STATE_CONFLICT, _CANCELED)
        return await self._given_up(append, kept, reason)

    async def _given_up(self, append: Append, kept: Kept, reason: Refused) -> bytes:
        """Of a job that is over, or whose request isn't fit any more."""
        await expanding.failed(append.session, kept.job_id)
        await accepting.unclaim(append.session, [kept.claim] if kept.claim else [])
        return answers.render(replace(reason, command="send", request_id=kept.request_id))

    async def _read(self, kept: Kept) -> Ask | Refused:
        customer = await self._reader.asker.principals.customer(kept.customer_id)
        if customer is None:
            return refused(Code.AUTH_INVALID, "the customer is gone")
        setting = Setting(now=kept.accepted_at, rules=self._reader.rules)
        found = decode.native(kept.body, Label(), setting)
        if not isinstance(found, Decoded):
            return found if isinstance(found, Refused) else refused(found.code, found.message)
        return Ask(
            customer=customer,
            person_id=kept.person_id,
            decoded=found,
            back=Back(),
            request_id=kept.request_id,
            body_hash=kept.body_hash,
            plain=kept.body,
        )

    def _entry(self, ask: Ask, kept: Kept, now: datetime) -> Entry:
        """The send as its accept left it."""
        assert isinstance(ask.request, Send)  # noqa: S101 - nothing else is put off
        planned = plan.of(ask.request.delivery.wish, kept.accepted_at)
        job = draft.job(ask, ask.request, planned, now, self._chance, "")
        stored = Stored(
            id=kept.job_id,
            has_transport=True,
            message_id=kept.message_id,
            not_before=kept.not_before,
            expires_at=kept.expires_at,
            price=kept.price,
        )
        return Entry(
            ask=ask,
            send=ask.request,
            job=replace(job, id=kept.job_id, ticket=kept.ticket),
            planned=planned,
            now=kept.accepted_at,
            is_counted=True,
            claim=kept.claim,
            stored=stored,
        )
