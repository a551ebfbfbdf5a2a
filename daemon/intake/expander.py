"""Finds audiences that were put off, one at a time, each in one transaction on its own connection.

Whoever finds one holds its row: if he dies, or his connection does, nothing of it is stored and any
other expander finds the row free. A job that was changed meanwhile is looked at anew.

Every try is counted before it begins, whatever it ends with: one that takes too long, a fault of
ours, the end of the process or of the database. After each the next one waits longer, and others
have their turn; after the last one the job has failed, and says so.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from daemon import crashpoints, logs
from daemon.intake import accept, draft, later
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
from daemon.store import errors, expanding, streams
from daemon.store.accepting import Stored
from daemon.store.expanding import Kept, Troubled, Try
from daemon.store.owed import Owed

EVERY = 0.5
"""Seconds between two looks for work; each is one small question."""
PAUSES = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds before each further try to find the same audience."""
TRIES = len(PAUSES) + 1
"""Tries to find an audience; then its job has failed."""

_log = logs.get("intake.expander")
_CANCELED = "was canceled before its audience was found"
_UNFOUND = f"its audience could not be found in {TRIES} tries"
_AWAY = (errors.Unavailable, errors.Again, streams.StreamLost)


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
        self.why_troubled = ""
        """Which audience nobody could find so far, and why; empty = there is none."""

    async def run(self) -> None:
        """Finds for ever; what can't be found now is tried again."""
        while True:
            try:
                await self.look()
            except _AWAY as error:
                logs.outage(_log, "expander.waits", error)
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Finds whatever is to be found now, and looks what stands in the way of the rest."""
        while await expanding.waits(self._store) and await self.once():
            pass
        found = await expanding.troubled(self._store)
        self.why_troubled = "" if found is None else _why(found)

    async def once(self) -> bool:
        """Tries to find one audience; False when somebody else is at all of them."""
        trying = await expanding.tried(self._store, PAUSES)
        if trying is None:
            return False
        try:
            owed = await self._found(trying)
        except _AWAY as error:
            # before it is noted: of who was frozen the life may be over by then
            logs.outage(_log, "expander.waits", error, job=str(trying.job_id), tries=trying.tries)
            await self._note(trying, str(error))
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with an audience stops here
            _log.error(
                "expander.failed", job=str(trying.job_id), tries=trying.tries, exc_info=error
            )
            await self._note(trying, type(error).__name__)  # its words may be anybody's
            return True
        crashpoints.reach("C7")
        self._post.owe(owed)
        return True

    async def unheard(self) -> None:
        """Gives their answers to those who came to wait a moment too late."""
        self._post.owe(await expanding.unheard(self._store, self._reader.instance))

    async def close(self) -> None:
        """Ends its stream."""
        await self._writer.close()

    async def _found(self, trying: Try) -> list[Owed]:
        async with self._writer.transaction() as append:
            kept = await expanding.taken(append.session, trying.job_id, memory=self._memory)
            if kept is None:  # another one was quicker
                return []
            text = await self._answer(append, kept, trying)
            return await expanding.give(append.session, kept.job_id, self._reader.instance, text)

    async def _note(self, trying: Try, trouble: str) -> None:
        """Says what a try ended with, if that can be stored: it has been counted anyway."""
        is_last = trying.tries == TRIES  # what is left is to say so, at once
        pause = 0.0 if is_last else PAUSES[min(trying.tries, len(PAUSES)) - 1]
        with suppress(*_AWAY):
            await expanding.failed_try(self._store, trying.job_id, trouble, pause=pause)

    async def _answer(self, append: Append, kept: Kept, trying: Try) -> bytes:
        if kept.state != "expanding":
            return await self._given_up(append, kept, refused(Code.STATE_CONFLICT, _CANCELED))
        if trying.tries > TRIES:  # before it is read: that may be what goes wrong
            _log.error("audience.unfound", job=str(kept.job_id), tries=TRIES, why=kept.trouble)
            return await self._given_up(append, kept, refused(Code.INTERNAL, _UNFOUND))
        ask = await self._read(kept)
        crashpoints.reach("C5")
        if isinstance(ask, Refused):
            return await self._given_up(append, kept, ask)
        entry = self._entry(ask, kept, append.at)
        return await accept.found(append, entry, self._terms)

    async def _given_up(self, append: Append, kept: Kept, reason: Refused) -> bytes:
        """Of a job that is over, whose request isn't fit any more, or that nobody can expand."""
        await later.given_up(append, kept.job_id, kept.claim, reason)
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


def _why(found: Troubled) -> str:
    times = "once" if found.tries == 1 else f"{found.tries} times"
    return f"the audience of job {found.ticket} was looked for {times} in vain: {found.trouble}"
