"""What one instance says of itself, heard by whoever supervises it: the other end of `notify.py`.

It says the same as to systemd. Its numbers, and whether it is ready, it says in a field of ours, as
systemd's have no room for them.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from daemon.engine import Numbers
from daemon.process.signs import FIELD

_LARGEST = 65536


class Hearing:
    """One run of an instance, from its first word on. A context: it listens within."""

    def __init__(self, address: Path, news: Callable[[], None]) -> None:
        self.address = address
        self.readies = 0
        """How often it said that it is ready, or done with reloading."""
        self.is_ready = False
        """Whether new work may come."""
        self.unwell = "starting"
        """What isn't well with it, in its own words; empty = nothing."""
        self.numbers = Numbers()
        self.heard_at: float | None = None
        """When it last gave a sign of life, by the loop's clock; None: not yet."""
        self._news = news
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def __enter__(self) -> Self:
        self.address.unlink(missing_ok=True)
        self._socket.setblocking(False)  # noqa: FBT003 - the standard library's
        self._socket.bind(str(self.address))
        asyncio.get_running_loop().add_reader(self._socket, self._heard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self.address.unlink(missing_ok=True)

    def _heard(self) -> None:
        with suppress(BlockingIOError):
            while True:
                told = self._socket.recv(_LARGEST).decode("utf-8", "replace")
                for line in told.splitlines():
                    self._take(*line.partition("=")[::2])

    def _take(self, name: str, value: str) -> None:
        if name == "WATCHDOG":
            self.heard_at = asyncio.get_running_loop().time()
        elif name == "READY":
            self.readies += 1
        elif name == FIELD:
            told = orjson.loads(value)
            self.is_ready, self.unwell = told["ready"], told["unwell"]
            self.numbers = Numbers(**told["numbers"])
        self._news()
