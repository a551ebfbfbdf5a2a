"""For those who ask a sink: the control channel's caller, and the reader of its record."""

import asyncio
import base64
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from daemon.sink import server
from daemon.sink.record import Record, Refusal

_PATIENCE = 30.0
"""Seconds for an answer, on top of those that a request itself waits."""


class Control:
    """One connection to a control channel; requests are asked one after another."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    @classmethod
    async def connect(cls, address: str) -> Self:
        """Connect to `host:port`; OSError or TimeoutError when nobody is there."""
        host, port = server.split(address)
        async with asyncio.timeout(_PATIENCE):
            return cls(*await asyncio.open_connection(host, port))

    async def call(self, **request: Any) -> dict[str, Any]:
        """The answer to one request (`do=` and its fields).

        ValueError when the sink refuses it, ConnectionError when the sink is gone.
        """
        async with self._turn, asyncio.timeout(_PATIENCE + request.get("timeout", 0)):
            self._writer.write(json.dumps(request).encode() + b"\n")
            await self._writer.drain()
            line = await self._reader.readline()
        if not line:
            raise ConnectionResetError("the sink is gone")
        answered: dict[str, Any] = json.loads(line)
        if not answered["ok"]:
            raise ValueError(answered["error"])
        return answered

    async def wait_for(self, messages: int, *, timeout: float = 60.0) -> dict[str, Any]:  # noqa: ASYNC109 (it is sent to the sink)
        """The counts once so many distinct messages are stored; TimeoutError names what came."""
        answered = await self.call(do="wait", messages=messages, timeout=timeout)
        if not answered["reached"]:
            raise TimeoutError(f"{answered['distinct']} of {messages} messages after {timeout} s")
        return answered

    async def stats(self) -> dict[str, Any]:
        """All counts."""
        return await self.call(do="stats")

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        async with asyncio.timeout(_PATIENCE):
            await self._writer.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def records(path: Path) -> list[Record]:
    """The stored messages of a record, in order; a line still being written is left out."""
    return [_record(line) for line in _lines(path) if line["kind"] == "stored"]


def refusals(path: Path) -> list[Refusal]:
    """What was refused, dropped or played, in order."""
    lines = (line for line in _lines(path) if line["kind"] != "stored")
    return [Refusal(**{**line, "words": tuple(line["words"])}) for line in lines]


def _lines(path: Path) -> list[dict[str, Any]]:
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()]


def _record(line: dict[str, Any]) -> Record:
    content = line.get("content")
    fields = {name: value for name, value in line.items() if name not in ("kind", "content")}
    fields["rcpt"] = tuple(fields["rcpt"])
    return Record(**fields, content=None if content is None else base64.b64decode(content))
