"""Real servers and real loops for the way out: a sink of its own per test, asyncio and uvloop."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop

from daemon.delivery.relay import Relay, Timeouts
from daemon.sink import client
from daemon.sink.record import Record, Refusal

ROOT = Path(__file__).parents[3]
PATIENCE = 30.0
"""Seconds for anything to happen."""
T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run[Any]:
    """Runs a coroutine to its end, on either loop, in bounded time."""

    async def bounded(main: Coroutine[Any, Any, T]) -> T:
        async with asyncio.timeout(PATIENCE):
            return await main

    def run(main: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(bounded(main))

    return run


@dataclass
class SinkProcess:
    """A running sink."""

    port: int
    certificate: str | None
    record: Path
    control: socket.socket

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """The answer of the control channel."""
        self.control.sendall(json.dumps({"do": do, **fields}).encode() + b"\n")
        line = b""
        while not line.endswith(b"\n"):
            line += self.control.recv(65536)
        answered: dict[str, Any] = json.loads(line)
        assert answered["ok"], answered
        return answered

    def relay(self, **fields: Any) -> Relay:
        """The sink as a relay, impatient so that a stall is soon over."""
        timeouts = Timeouts(
            banner=1.5, ehlo=1.5, mail=1.0, rcpt=1.0, data=1.0, body=1.0, attempt=8.0, dot=1.0
        )
        usual = {"host": "127.0.0.1", "port": self.port, "tls": "none", "timeouts": timeouts}
        return Relay(**(usual | fields))

    def stored(self) -> list[Record]:
        """What it stored, in order."""
        return client.records(self.record)

    def refused(self) -> list[Refusal]:
        """What it refused, dropped or played."""
        return client.refusals(self.record)


@pytest.fixture
def start_sink(tmp_path: Path) -> Iterator[Callable[..., SinkProcess]]:
    """Starts sinks with the options given, and stops them after the test."""
    with sinks(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def shared_sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SinkProcess]:
    """One sink for all tests that only ask it by words in addresses."""
    with sinks(tmp_path_factory.mktemp("shared")) as start:
        yield start()


@contextlib.contextmanager
def sinks(folder: Path) -> Iterator[Callable[..., SinkProcess]]:
    """What starts sinks, and stops them in the end."""
    processes: list[subprocess.Popen[str]] = []
    sockets: list[socket.socket] = []

    def start(*options: str) -> SinkProcess:
        record = folder / f"record-{len(processes)}.jsonl"
        command = [sys.executable, "-m", "daemon.sink", "--control", "127.0.0.1:0"]
        process = subprocess.Popen(
            [*command, "--record", str(record), "--keep-bytes", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        processes.append(process)
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        host, _, port = ready["control"].rpartition(":")
        control = socket.create_connection((host, int(port)), timeout=PATIENCE)
        sockets.append(control)
        port = int(ready["smtp"].rpartition(":")[2])
        return SinkProcess(port, ready.get("certificate"), record, control)

    yield start
    for connection in sockets:
        connection.close()
    for process in processes:
        process.terminate()
        process.wait(PATIENCE)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def sink(start_sink: Callable[..., SinkProcess]) -> SinkProcess:
    """A sink in clear."""
    return start_sink()
