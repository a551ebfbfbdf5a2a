"""The scripted SMTP server of a story, as a process."""

import asyncio
import base64
import json
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from daemon.sink.client import Control
from tests.checker import record
from tests.checker.evidence import Copy
from tests.stories import servers

PATIENCE = 20.0
"""Seconds for it to start or to end."""


class Sink:
    """One sink, and everything on its record."""

    def __init__(
        self, process: asyncio.subprocess.Process, path: Path, smtp: str, control: Control
    ) -> None:
        self._process = process
        self.path = path
        host, _, port = smtp.rpartition(":")
        self.host, self.port = host, int(port)
        self.control = control

    @classmethod
    async def start(cls, path: Path, *, keeps_bytes: bool = False) -> "Sink":
        """Starts one that writes its record there."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "daemon.sink", "--listen", "127.0.0.1:0"),
            *("--control", "127.0.0.1:0", "--record", str(path)),
            *(["--keep-bytes"] if keeps_bytes else []),
            cwd=servers.TOP,
            env=servers.environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            ready = json.loads(await process.stdout.readline())
        return cls(process, path, ready["smtp"], await Control.connect(ready["control"]))

    async def do(self, verb: str, **fields: Any) -> dict[str, Any]:
        """Has it behave in some way: see `python -m daemon.sink --behaviours`."""
        return await self.control.call(do=verb, **fields)

    async def stored(self, messages: int, *, seconds: float = 30.0) -> None:
        """Returns once so many different messages are stored."""
        await self.control.wait_for(messages, timeout=seconds)

    async def more(self, messages: int, *, seconds: float = 30.0) -> None:
        """Returns once so many more are stored than there are now."""
        counts = await self.control.call(do="count")
        await self.stored(counts["distinct"] + messages, seconds=seconds)

    def copies_to(self, word: str) -> list[Copy]:
        """Every stored message to an address that begins with a word."""
        return [copy for copy in self.copies if copy.rcpt[0].startswith(word)]

    @property
    def copies(self) -> list[Copy]:
        """Every stored message."""
        return record.copies(self.path)

    def has_played(self, phase: str) -> bool:
        """Whether it has begun to misbehave in this phase."""
        return any(line.get("phase") == phase for line in record.lines(self.path))

    def mails_to(self, word: str) -> list[EmailMessage]:
        """The mails themselves, where the record keeps them."""
        lines = (line for line in record.lines(self.path) if line["kind"] == "stored")
        return [
            message_from_bytes(base64.b64decode(line["content"]), policy=policy.default)
            for line in lines
            if line["rcpt"][0].startswith(word)
        ]

    async def peak(self) -> int:
        """The most connections that it ever had at once."""
        stats = await self.control.stats()
        peak: int = stats["connections"]["peak"]
        return peak

    async def close(self) -> None:
        """Ends it."""
        await self.control.close()
        self._process.terminate()
        async with asyncio.timeout(PATIENCE):
            await self._process.wait()
