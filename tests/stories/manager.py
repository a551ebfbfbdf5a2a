"""A service manager's end of the notify socket: what it hears of a daemon."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Manager:
    """Everything that was said, in order, as `NAME=value`."""

    address: str
    said: list[str] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

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


@asynccontextmanager
async def listening(address: str) -> AsyncIterator[Manager]:
    """A manager at an address as $NOTIFY_SOCKET has it."""
    manager = Manager(address=address)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
        way.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        way.setblocking(False)
        loop.add_reader(way, lambda: manager.heard(way.recv(65536).decode()))
        try:
            yield manager
        finally:
            loop.remove_reader(way)
