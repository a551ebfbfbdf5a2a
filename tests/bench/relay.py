"""The other side: Postfix's `smtp-sink`, which takes everything, and `smtp-source`, the reference.

One sink serves both references and the run between them, with the same flags: it counts, and does
nothing else. Neither is ours, and both are C.
"""

import asyncio
import os
import re
import shutil
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests import waiting

HOST = "127.0.0.1"
SESSIONS = 50
"""Connections of the reference, and the most that the daemon's transport may open."""
SIZE = 4096
"""Octets of a mail."""
PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
"""Where its programs may be."""
_BACKLOG = "2048"
_TAIL = 200
"""Octets at the end of the counts in which the last one stands whole."""
_COUNT = re.compile(rb"mesg=(\d+)\r")
_PATIENCE = 300.0


class Sink:
    """A running `smtp-sink`."""

    def __init__(
        self, process: asyncio.subprocess.Process, port: int, counts: Path, dumps: Path
    ) -> None:
        self._process = process
        self._counts = counts
        self.port = port
        self.dumps = dumps
        """The folder that it may write mails to; empty unless it was told to."""

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    @property
    def stored(self) -> int:
        """How many mails it has taken, by its own count: it says so at each final dot."""
        with self._counts.open("rb") as counts:
            counts.seek(max(0, counts.seek(0, os.SEEK_END) - _TAIL))
            said = _COUNT.findall(counts.read())
        return int(said[-1]) if said else 0

    async def reference(self, mails: int) -> float:
        """Mails per second that `smtp-source` brings here: over connections that are kept open."""
        before = self.stored
        began = time.perf_counter()
        words = ("-d", "-s", str(SESSIONS), "-m", str(mails), "-l", str(SIZE))
        who = ("-f", "from@reference.test", "-t", "to@reference.test")
        source = await asyncio.create_subprocess_exec(
            program("smtp-source"), *words, *who, f"{HOST}:{self.port}"
        )
        async with asyncio.timeout(_PATIENCE):
            status = await source.wait()
        seconds = time.perf_counter() - began
        brought = self.stored - before
        assert status == 0 and brought == mails, f"smtp-source: {status}, {brought} of {mails}"  # noqa: PT018
        return mails / seconds


def program(name: str) -> str:
    """Where it is; FileNotFoundError when it isn't installed."""
    found = shutil.which(name, path=PLACES)
    if found is None:
        raise FileNotFoundError(f"{name} is not here; it comes with Debian's package postfix")
    return found


Flags = Callable[[Path], Sequence[str]]
"""What a sink is told beside counting, by the folder that it may write to."""


@asynccontextmanager
async def sink(folder: Path, flags: Flags = lambda _: ()) -> AsyncIterator[Sink]:
    """One that runs inside this block; its counts are written to a file."""
    port = _free()
    counts, dumps = folder / "counts", _writable(folder / "mails")
    with counts.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *(program("smtp-sink"), "-c", *_as_nobody(), *flags(dumps), f"{HOST}:{port}", _BACKLOG),
            stdout=written,
        )
    try:
        await waiting.until(lambda: _answers(port))
        yield Sink(process, port, counts, dumps)
    finally:
        process.terminate()
        await process.wait()


def _writable(folder: Path) -> Path:
    """A folder that nobody, whoever the sink is, may write to and look at."""
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def _as_nobody() -> Sequence[str]:
    """It doesn't run as root; anybody else it leaves as he is."""
    return ("-u", "nobody") if os.geteuid() == 0 else ()


def _free() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
