"""The control channel: a TCP line protocol, one JSON request a line, one JSON answer a line.

A request is `{"do": verb, …}`; an answer has `ok`, and `error` when that is false. Scripts are the
same lines from a file.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from daemon.sink import behaviour, mode, server
from daemon.sink.server import Server
from daemon.sink.sink import Sink

Request: TypeAlias = Mapping[str, Any]

_LINE_LIMIT = 64 * 1024
_PATIENCE = 60.0
"""Seconds that `wait` waits unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One verb: what it may carry, what it does."""

    play: Callable[["Control", Request], Awaitable[Request]]
    fields: Mapping[str, tuple[type, ...]]
    meaning: str


class Control:
    """Plays requests on one sink and its server."""

    def __init__(self, sink: Sink, smtp: Server, tasks: asyncio.TaskGroup) -> None:
        self._sink = sink
        self._smtp = smtp
        self._tasks = tasks
        self._conversations: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None
        self.address = ""
        """Where it listens; known after `listen`."""

    async def listen(self, address: str) -> None:
        """Listen at `host:port`, port 0 for a free one; OSError when that can't be."""
        host, port = server.split(address)
        self._listening = await asyncio.start_server(self._meet, host, port, limit=_LINE_LIMIT)
        self.address = server.joined(self._listening)

    def close(self) -> None:
        """Stop listening and end all conversations."""
        if self._listening is not None:
            self._listening.close()
        for conversation in self._conversations:
            conversation.cancel()

    async def run(self, script: str) -> None:
        """Play requests, one a line, `#` for comments; ValueError names a bad line."""
        for number, line in enumerate(script.splitlines(), start=1):
            if line.strip() and not line.startswith("#"):
                answered = await self.answer(line)
                if not answered["ok"]:
                    raise ValueError(f"script line {number}: {answered['error']}")

    async def answer(self, line: str | bytes) -> Request:
        """The answer to one request."""
        try:
            verb, request = _parsed(line)
            return {"ok": True, **await verb.play(self, request)}
        except (ValueError, OSError, RuntimeError) as refusal:
            return {"ok": False, "error": str(refusal)}

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = self._tasks.create_task(self._converse(reader, writer), name="sink control")
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self.answer(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):  # gone, or a line beyond the limit
            return
        finally:
            writer.close()

    async def mode(self, request: Request) -> Request:
        """Add an act for every connection."""
        if not {"phase", "act"} <= request.keys():
            raise ValueError("mode needs phase and act")
        word = self._sink.mode.next_word(request["act"])
        self._sink.mode.add(mode.act(request, word))
        return {"word": word}

    async def clear(self, request: Request) -> Request:
        """Forget the acts of a phase, or all that was asked for."""
        if "phase" in request:
            self._sink.mode.forget(behaviour.phase_of(request["phase"]))
        else:
            self._sink.mode.clear()
        return {}

    async def down(self, _request: Request) -> Request:
        """Stop listening, reset all connections."""
        self._smtp.down()
        return {}

    async def up(self, _request: Request) -> Request:
        """Listen again."""
        await self._smtp.up()
        return {"smtp": self._smtp.address}

    async def drop(self, _request: Request) -> Request:
        """Reset all connections."""
        self._smtp.drop()
        return {}

    async def stats(self, _request: Request) -> Request:
        """Tell all counts."""
        return self._sink.tally.stats()

    async def count(self, _request: Request) -> Request:
        """Tell the messages."""
        return self._sink.tally.count()

    async def wait(self, request: Request) -> Request:
        """Answer once so many distinct messages are stored, or when the time is over."""
        if "messages" not in request:
            raise ValueError("wait needs messages")
        try:
            async with asyncio.timeout(request.get("timeout", _PATIENCE)):
                await self._sink.tally.reach(request["messages"])
        except TimeoutError:
            return {"reached": False, **self._sink.tally.count()}
        return {"reached": True, **self._sink.tally.count()}

    async def limit(self, request: Request) -> Request:
        """Limit connections."""
        self._sink.mode.connections = request.get("connections")
        return {}

    async def per_connection(self, request: Request) -> Request:
        """Limit the messages of a connection."""
        self._sink.mode.per_connection = request.get("messages")
        return {}

    async def capabilities(self, request: Request) -> Request:
        """Announce these from the next EHLO on."""
        names = frozenset(map(str, request.get("names", mode.CAPABILITIES)))
        if unknown := names - set(mode.CAPABILITIES):
            raise ValueError(f"unknown capabilities: {', '.join(sorted(unknown))}")
        certificate = self._sink.certificate
        if "starttls" in names:
            await asyncio.to_thread(certificate.prepare)
        self._sink.mode.capabilities = names
        return {"certificate": str(certificate.path) if certificate.path else None}

    async def password(self, request: Request) -> Request:
        """Change the password of a user, who may be new; whoever is logged in stays so."""
        if not {"user", "password"} <= request.keys():
            raise ValueError("password needs user and password")
        self._sink.mode.passwords[request["user"]] = request["password"]
        return {}

    async def slow(self, request: Request) -> Request:
        """Delay every answer."""
        self._sink.mode.slow = request.get("ms", 0) / 1000
        return {}


_NUMBER = (int, float)
_MAYBE = (int, type(None))
_ACT_FIELDS: Mapping[str, tuple[type, ...]] = {
    "phase": (str,),
    "act": (str,),
    "times": _MAYBE,
    "code": (int,),
    "enhanced": (str,),
    "text": (str,),
    "seconds": _NUMBER,
    "lines": (int,),
    "bytes": (int,),
}

VERBS: Mapping[str, Verb] = {
    "mode": Verb(play=Control.mode, fields=_ACT_FIELDS, meaning="misbehave in a phase"),
    "clear": Verb(play=Control.clear, fields={"phase": (str,)}, meaning="behave again"),
    "down": Verb(play=Control.down, fields={}, meaning="stop listening, reset all connections"),
    "up": Verb(play=Control.up, fields={}, meaning="listen again on the same port"),
    "drop": Verb(play=Control.drop, fields={}, meaning="reset all connections"),
    "stats": Verb(play=Control.stats, fields={}, meaning="all counts"),
    "count": Verb(play=Control.count, fields={}, meaning="the messages"),
    "wait": Verb(
        play=Control.wait,
        fields={"messages": (int,), "timeout": _NUMBER},
        meaning="answer once so many distinct messages are stored",
    ),
    "limit": Verb(
        play=Control.limit,
        fields={"connections": _MAYBE},
        meaning="421 4.7.0 to connections above",
    ),
    "per_connection": Verb(
        play=Control.per_connection,
        fields={"messages": _MAYBE},
        meaning="421 to MAIL after so many messages",
    ),
    "capabilities": Verb(
        play=Control.capabilities,
        fields={"names": (list,)},
        meaning="announce these from the next EHLO on",
    ),
    "password": Verb(
        play=Control.password,
        fields={"user": (str,), "password": (str,)},
        meaning="change a user's password; whoever is logged in stays so",
    ),
    "slow": Verb(play=Control.slow, fields={"ms": _NUMBER}, meaning="delay every answer"),
}


def _parsed(line: str | bytes) -> tuple[Verb, Request]:
    request = json.loads(line)
    verb = VERBS.get(str(request.get("do"))) if isinstance(request, dict) else None
    if verb is None:
        raise ValueError(f"not a request with one of: {', '.join(VERBS)}")
    fields = {name: value for name, value in request.items() if name != "do"}
    for name, value in fields.items():
        if name not in verb.fields:
            raise ValueError(f"unknown field {name!r}")
        if not isinstance(value, verb.fields[name]) or isinstance(value, bool):
            # a ValueError like all that is wrong with a request: it comes from outside
            raise ValueError(f"not what {name!r} takes: {value!r}")  # noqa: TRY004
    return verb, fields
