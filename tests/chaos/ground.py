"""What a storm rages over: instances, servers and the ways between them; and how it does."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import asyncpg

from tests.chaos.faults import Fault
from tests.chaos.proxy import Direction, Proxy, Toxic
from tests.chaos.seats import Seat
from tests.stories.house import House
from tests.stories.servers import Pair

SERVERS = {"broker": "rabbitmq", "database": "postgres"}
_TERMINATED = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
"""


class Ground:
    """Carries faults out, each to its end: afterwards its victim is as it was."""

    def __init__(
        self, house: House, pair: Pair, seats: Mapping[str, Seat], proxies: Mapping[str, Proxy]
    ) -> None:
        self._house = house
        self._pair = pair
        self._seats = seats
        self._proxies = proxies

    async def suffer(self, fault: Fault) -> None:
        """One fault, from its begin to its end."""
        if fault.target in self._seats:
            await self._instance(self._seats[fault.target], fault)
        elif fault.target in SERVERS:
            await self._server(SERVERS[fault.target], fault)
        elif fault.target == "relay":
            await self._relay(fault)
        else:
            way, _, place = fault.target.partition("-")
            proxy = self._proxies[place]
            await self._way(proxy, proxy.up if way == "to" else proxy.down, fault)

    async def _instance(self, seat: Seat, fault: Fault) -> None:
        deeds: Mapping[str, Callable[[], Awaitable[None]]] = {
            "kill": lambda: seat.kill(fault.seconds),
            "freeze": lambda: seat.freeze(fault.seconds),
            "stop": lambda: seat.stop(fault.seconds),
            "reload": seat.reload,
        }
        await deeds[fault.kind]()

    async def _way(self, proxy: Proxy, way: Direction, fault: Fault) -> None:
        toxics = {
            "latency": Toxic(latency=fault.amount / 1000, jitter=fault.amount / 2000),
            "cut": Toxic(cut_after=fault.amount),
            "silence": Toxic(is_silent=True),
        }
        if fault.kind == "reset":
            proxy.reset()
            return
        way.be(toxics[fault.kind])
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            proxy.behave()

    async def _server(self, server: str, fault: Fault) -> None:
        if fault.kind in ("kill", "restart"):
            await self._pair.restart(server, kill=fault.kind == "kill")
        elif fault.kind == "freeze":
            with _frozen(await self._pair.pid(server)):
                await asyncio.sleep(fault.seconds)
        elif fault.kind == "alarm":
            await self._alarmed(fault.seconds)
        else:
            # one that is just gone has no backends
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                await self._house.rows(_TERMINATED)

    async def _alarmed(self, seconds: float) -> None:
        """The broker finds its disk full for so long."""
        await self._pair.rabbitmqctl("set_disk_free_limit", str(1 << 60))
        try:
            await asyncio.sleep(seconds)
        finally:
            await self._pair.rabbitmqctl("set_disk_free_limit", "50MB")

    async def _relay(self, fault: Fault) -> None:
        sink = self._house.sink
        begin, end = {
            "down": ({"verb": "down"}, {"verb": "up"}),
            "drop": ({"verb": "drop"}, None),
            "busy": ({"verb": "limit", "connections": 2}, {"verb": "limit", "connections": None}),
            "slow": ({"verb": "slow", "ms": 60}, {"verb": "slow", "ms": 3}),
        }[fault.kind]
        await sink.do(**begin)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            if end is not None:
                await sink.do(**end)


@contextlib.contextmanager
def _frozen(pid: int) -> Iterator[None]:
    """A server with all its children stands still."""
    family = [pid, *_children(pid)]
    for one in family:
        _signal(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in family:
            _signal(one, signal.SIGCONT)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
