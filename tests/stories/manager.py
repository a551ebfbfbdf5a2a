"""A service manager's end of the notify socket: what it hears of a daemon."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Manager:
    """Everything that was said, in order, as `NAME=value`."""

    address: str
    said: list[str] = field(default_factory=list)
    _way: socket.socket | None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def last_status(self) -> str:
        """How the daemon stood when it said so last; empty = it never did."""
        return next((one for one in reversed(self.said) if one.startswith("STATUS=")), "")

    def heard(self, text: str) -> None:
        """A datagram came."""
        self.said += text.splitlines()
        self._news.set()

    async def until(self, wanted: Callable[[str], bool], what: str, *, seconds: float = 20) -> str:
        """The first line that fits, among those that were said and those that will be."""
        seen = 0
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._news.clear()
                    for line in self.said[seen:]:
                        if wanted(line):
                            return line
                    seen = len(self.said)
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"never heard {what}: {self.said[-20:]}") from None

    async def status(self, *words: str, seconds: float = 20) -> str:
        """The first status with all these words."""
        return await self.until(
            lambda line: line.startswith("STATUS=") and all(word in line for word in words),
            f"a status with {words}",
            seconds=seconds,
        )

    def forget(self) -> None:
        """What was said so far doesn't count any more."""
        self.said.clear()

    def close(self) -> None:
        """Listens no more."""
        if self._way is not None:
            self._loop.remove_reader(self._way)
            self._way.close()
            self._way = None


def at(address: str) -> Manager:
    """One that listens at an address as $NOTIFY_SOCKET has it."""
    way = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    way.bind(f"\0{address[1:]}" if address.startswith("@") else address)
    way.setblocking(False)
    manager = Manager(address=address, _way=way)
    manager._loop.add_reader(way, lambda: manager.heard(way.recv(65536).decode()))
    return manager


@contextmanager
def listening(address: str) -> Iterator[Manager]:
    """The same, for as long as the block lasts."""
    manager = at(address)
    try:
        yield manager
    finally:
        manager.close()
