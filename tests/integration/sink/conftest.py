"""A sink to talk to: in this process, or as one of its own."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon.sink import client
from daemon.sink.control import Control
from daemon.sink.mode import CAPABILITIES, Mode
from daemon.sink.record import Recorder
from daemon.sink.server import Server, split
from daemon.sink.sink import Settings, Sink

PATIENCE = 10.0
"""Seconds for anything to happen."""
ROOT = Path(__file__).parents[3]


class Wire:
    """A raw conversation with a sink."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def reply(self):
        """One whole reply; what came of it when the connection ends first."""
        lines = b""
        async with asyncio.timeout(PATIENCE):
            while line := await self.reader.readline():
                lines += line
                if line[3:4] != b"-":
                    break
        return lines

    async def say(self, *lines):
        """The replies to lines sent in one write."""
        self.send(*lines)
        return [await self.reply() for _ in lines]

    def send(self, *lines):
        """Send lines and read nothing."""
        self.writer.write(b"".join(line + b"\r\n" for line in lines))

    async def envelope(self, *recipients, sender=b"s@x.test"):
        """The codes of MAIL, each RCPT and DATA, pipelined."""
        rcpts = [b"RCPT TO:<" + recipient + b">" for recipient in recipients]
        replies = await self.say(b"MAIL FROM:<" + sender + b">", *rcpts, b"DATA")
        return [reply[:3] for reply in replies]

    async def end(self):
        """What comes until the connection ends; `b"RST"` behind it when it was reset."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b"RST"


@dataclass
class Served:
    """A sink that listens, and how to reach it."""

    sink: Sink
    smtp: Server
    control: client.Control
    path: Path
    wires: contextlib.AsyncExitStack

    async def dial(self, *, hello=True):
        """A new connection, greeted unless told otherwise."""
        wire = Wire(*await asyncio.open_connection(*split(self.smtp.address)))
        self.wires.callback(wire.writer.close)
        if hello:
            await wire.reply()
            await wire.say(b"EHLO client.test")
        return wire

    @property
    def records(self):
        """What is on record."""
        return client.records(self.path)

    @property
    def refusals(self):
        """What is on record as refused, dropped or played."""
        return client.refusals(self.path)


@pytest.fixture
def serve(tmp_path):
    """A context in which a sink with these settings listens in this process."""

    @contextlib.asynccontextmanager
    async def serving(*, capabilities=CAPABILITIES, **settings):
        path = tmp_path / "record.jsonl"
        recorder = Recorder(path, keep_bytes=True)
        mode = Mode(capabilities)
        sink = Sink(settings=Settings(**settings), mode=mode, witnesses=(recorder,))
        async with asyncio.TaskGroup() as tasks:
            smtp = Server(sink, tasks)
            control = Control(sink, smtp, tasks)
            await smtp.listen("127.0.0.1:0")
            await control.listen("127.0.0.1:0")
            try:
                async with (
                    await client.Control.connect(control.address) as asking,
                    contextlib.AsyncExitStack() as wires,
                ):
                    yield Served(sink, smtp, asking, path, wires)
            finally:
                control.close()
                await smtp.close()
                recorder.close()
                sink.certificate.close()

    return serving


@dataclass
class Started:
    """A sink's process, and the line that it began with."""

    process: subprocess.Popen
    ready: dict

    def stop(self):
        """Its exit status and the rest of what it said, after SIGTERM."""
        self.process.terminate()
        said, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


@pytest.fixture
def start():
    """Starts `python -m daemon.sink` with these options; it is gone at the end of the test."""
    started = []

    def starting(*options):
        process = subprocess.Popen(
            [sys.executable, "-m", "daemon.sink", *map(str, options)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
        started.append(process)
        line = process.stdout.readline()
        return Started(process, json.loads(line) if line else {})

    yield starting
    for process in started:
        process.kill()
        process.communicate(timeout=PATIENCE)
