"""`serve --processes N`: N instances as one, to systemd, to balancers, to scrapers, to a person.

Each is an ordinary instance, with its own lease, journal and connections; between them and us there
is no more than between any daemon and systemd: signals, the notify protocol, an ops endpoint each.
We keep the seats taken, pass on what comes from outside, and answer for all of them.

There is nothing here that mail depends on. If we are killed, they notice and stop in order.
"""

import asyncio
import os
import platform
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from daemon import config as configs
from daemon import logs, metrics
from daemon.engine import Numbers
from daemon.process import ends
from daemon.process.merged import Merged
from daemon.process.notify import Notify
from daemon.process.seat import Seat, Start
from daemon.process.signs import Signs, Standing
from daemon.tasks import Group
from daemon.web import asking, ops
from daemon.web.health import Health

_PATIENCE = 30.0
"""Seconds without a sign of life after which a process is killed; longer than any lease of it."""
_BEAT = 0.5
_SCRAPE = 3.0
"""Seconds that a process may take to show its metrics."""
_RELOAD = 60.0
"""Seconds after which a reload counts as done, whoever hasn't said so."""
_ALL = "processes"

_log = logs.get("process.supervisor")


async def serve(
    loaded: configs.Loaded,
    *,
    processes: int,
    command: Sequence[str],
    read: Callable[[], configs.Loaded],
) -> int:
    """Runs so many of `command` until a signal; answers the exit code. Raises as `app.serve`."""
    log = loaded.config.log
    logs.configure(level=log.level, form=log.format, addresses=log.addresses)
    notify = Notify()
    with _folder() as folder, _leash() as leash:
        start = Start(
            command=command,
            folder=folder,
            leash=leash,
            patience=min(_PATIENCE, notify.watchdog / 2 or _PATIENCE),
        )
        supervisor = Supervisor(start, processes, notify)
        try:
            await supervisor.run(loaded.config.ops.listen, read)
        except ExceptionGroup as failed:
            return ends.told(failed)
    _log.info("stopped", code=supervisor.code)
    return supervisor.code


class Supervisor:
    """All of them together."""

    def __init__(self, start: Start, processes: int, notify: Notify) -> None:
        self._folder = start.folder
        self._notify = notify
        self._seats = [Seat(place + 1, start, self._heard) for place in range(processes)]
        self._health = Health((_ALL,))
        self._merged = Merged()
        self._runs: dict[str, int] = {}
        self._stop, self._hangup, self._news = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._is_begun = False
        self._refused = 0
        self._remark = ""
        self._signs = Signs(
            notify,
            self._stop,
            is_begun=lambda: self._is_begun,
            standing=self._standing,
            is_alive=lambda: not self._silent(),
        )

    @property
    def code(self) -> int:
        """What became of it all: what made the start impossible, else the worst end at the stop."""
        return self._refused or ends.worst(seat.left for seat in self._seats)

    async def run(self, listen: configs.Address, read: Callable[[], configs.Loaded]) -> None:
        """Until a signal, or until the start turns out to be impossible."""
        self._on_signals()
        bound = asyncio.get_running_loop().create_future()
        about = {
            "version": metadata.version("deliveryd"),
            "python": platform.python_version(),
            "processes": str(len(self._seats)),
        }
        served = ops.serve(
            listen, self._health, about=about, render=self._render, bound=bound.set_result
        )
        async with Group(over=self._leave) as group:
            beside = [
                group.forever(served, name="ops"),
                group.forever(self._signs.run(), name="signs"),
                group.forever(self._watch(), name="watch"),
                group.forever(self._reloads(read), name="reload"),
            ]
            await asyncio.wait(
                [bound, group.create_task(self._stop.wait(), name="stop")],
                return_when=asyncio.FIRST_COMPLETED,
            )
            kept = [
                group.create_task(seat.keep(self._stop), name=f"seat {seat.name}")
                for seat in self._seats
            ]
            await asyncio.wait(kept)
            self._leave()
            for task in beside:
                task.cancel()

    def _leave(self) -> None:
        if self._stop.is_set():
            return
        self._stop.set()
        self._health.drain()
        self._signs.give()
        for seat in self._seats:
            seat.terminate()

    def _on_signals(self) -> None:
        def terminated() -> None:
            if not self._stop.is_set():
                self._leave()
                return
            for seat in self._seats:
                seat.kill()
            shutil.rmtree(self._folder, ignore_errors=True)
            os._exit(ends.AT_ONCE)  # the second SIGTERM: leave, whatever is under way

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, terminated)
        loop.add_signal_handler(signal.SIGHUP, self._hangup.set)

    def _heard(self, seat: Seat) -> None:
        """Something about a process is new."""
        if not seat.is_running:
            self._merged.ended(seat.name)
            if seat.code in ends.HOPELESS and not self._is_begun:
                self._refused = seat.code or 0
                self._leave()
        self._is_begun = self._is_begun or all(one.readies for one in self._seats)
        ready = sum(one.is_ready for one in self._seats)
        for one in self._seats:
            why = one.unwell
            self._health.report(f"process {one.name}", ok=not why, reason=why, vital=False)
        none = f"none of {len(self._seats)} is ready"
        self._health.report(_ALL, ok=ready > 0, reason=none)
        metrics.processes_up.set(ready)
        self._news.set()

    def _standing(self) -> Standing:
        numbers = [seat.numbers for seat in self._seats]
        ready = sum(seat.is_ready for seat in self._seats)
        return Standing(
            is_ready=self._health.is_ready,
            unwell="; ".join(self._health.reasons),
            numbers=Numbers(
                flying=sum(one.flying for one in numbers),
                waiting=sum(one.waiting for one in numbers),
                untold=sum(one.untold for one in numbers),
            ),
            remark="; ".join(
                filter(None, (f"{ready} of {len(self._seats)} processes ready", self._remark))
            ),
        )

    def _silent(self) -> list[Seat]:
        now = asyncio.get_running_loop().time()
        return [seat for seat in self._seats if seat.silence(now)]

    async def _watch(self) -> None:
        """Kills whose loop doesn't turn, for ever: it has lost its lease, and does nothing more."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _BEAT
            await asyncio.sleep(_BEAT)
            if loop.time() > due + _BEAT:  # we were frozen ourselves, and they perhaps as well
                for seat in self._seats:
                    seat.forgive(loop.time())
            for seat in self._silent():
                _log.error("process.hangs", number=seat.number)
                seat.kill()

    async def _reloads(self, read: Callable[[], configs.Loaded]) -> None:
        """Passes on each hangup, for ever; the reload is over when all have said so."""
        while True:
            await self._hangup.wait()
            self._hangup.clear()
            if self._is_begun:
                self._notify.reloading()
            said = {seat: (seat.run, seat.readies) for seat in self._seats if seat.readies}
            for seat in self._seats:
                seat.hangup()
            self._remark = _own(read)
            await self._all_said(said)
            if self._is_begun:
                self._notify.ready()

    async def _all_said(self, said: dict[Seat, tuple[int, int]]) -> None:
        try:
            async with asyncio.timeout(_RELOAD):
                while any((seat.run, seat.readies) == before for seat, before in said.items()):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            _log.warning("reload.unheard")

    async def _render(self, accept: str) -> tuple[bytes, str]:
        """The metrics of all, as they are now."""
        async with Group() as group:
            asked = {
                (seat, seat.run): group.create_task(
                    asking.metrics_at(seat.socket, seconds=_SCRAPE), name=f"ask {seat.name}"
                )
                for seat in self._seats
                if seat.is_running
            }
        for (seat, run), task in asked.items():
            if seat.is_running and seat.run == run:
                self._merged.shows(seat.name, task.result())
        return metrics.render(accept, self._merged)


def _own(read: Callable[[], configs.Loaded]) -> str:
    """Takes over what concerns us; what is wrong, if anything is: each of them tells of it."""
    try:
        log = read().config.log
    except configs.ConfigError as error:
        return f"reload refused: {error.flaws[0]}"
    logs.adjust(level=log.level, addresses=log.addresses)
    return ""


@contextmanager
def _folder() -> Iterator[Path]:
    """For sockets; nobody else may enter."""
    with tempfile.TemporaryDirectory(prefix="deliveryd-") as made:
        yield Path(made)


@contextmanager
def _leash() -> Iterator[int]:
    """The reading end of a pipe, for them; the other one is ours, and ends with us."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)
