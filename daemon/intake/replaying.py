"""`events.replay`: the answer says how many events will be told again; telling takes its time."""

import asyncio
from datetime import UTC, datetime

from daemon import logs
from daemon.intake import verdicts
from daemon.intake.ask import Ask, Verdict
from daemon.ledger.replay import Replayer
from daemon.mail.refusal import Code
from daemon.mail.request.commands import EventsReplay
from daemon.store import control, door, errors
from daemon.store.replays import Stretch

WAITING = 100
"""Replays that wait for their turn at most."""

_EVER = datetime(1, 1, 1, tzinfo=UTC)
_log = logs.get("intake.replaying")


class Replays:
    """Replays, one after the other, for as long as this process lives."""

    def __init__(self, store: door.Store, replayer: Replayer) -> None:
        self._store = store
        self._replayer = replayer
        self._waiting: asyncio.Queue[Stretch] = asyncio.Queue(WAITING)

    async def ask(self, ask: Ask, command: EventsReplay, now: datetime) -> Verdict:
        """Counts what was told until now, and puts it in line to be told again."""
        if command.job is not None and not await self._is_own(ask, command):
            return verdicts.not_found(ask, "job")
        stretch = Stretch(
            customer_id=ask.customer.id,
            start=command.from_ or _EVER,
            end=min(command.to or now, now),
            job_id=command.job,
            stream=command.stream,
        )
        number = await self._replayer.number(stretch)
        try:
            self._waiting.put_nowait(stretch)
        except asyncio.QueueFull:
            advice = "too many replays are waiting already"
            return verdicts.refused(ask, Code.RATE_LIMITED, "", advice)
        return verdicts.done(ask, {"events": number})

    async def run(self) -> None:
        """Carries them out, for ever."""
        while True:
            stretch = await self._waiting.get()
            try:
                await self._replayer.run(stretch)
            except (errors.Unavailable, errors.Again) as error:
                _log.warning("replay.cut_short", customer=stretch.customer_id, why=str(error))

    async def _is_own(self, ask: Ask, command: EventsReplay) -> bool:
        if command.job is None:
            return True
        async with self._store.transaction() as session:
            return await control.job(session, ask.customer.id, command.job) is not None
