"""One instance of the daemon as a process, and commands typed at it."""

import asyncio
import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from tests.stories import manager, servers
from tests.stories.manager import Manager

PATIENCE = 60.0
"""Seconds for a start or a stop, on a machine that has much else to do."""
_SELDOM = 9.5
"""Seconds before the same may be said again: ten, on two clocks."""
_CAUSE = ("event", "what", "why", "reason", "connection", "queue")
"""Fields of a log line that tell one complaint from another, if it names no `cause`."""
_GLANCE = 0.05
"""Seconds between looks at what gives no signal: a log, a health check."""


class Daemon:
    """`python -m daemon serve`, from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, heard: Manager) -> None:
        self._process = process
        self._log = log
        self._heard = heard
        self.is_doomed = False
        """Whether its end is none that it chose."""
        self.may_fail = False
        """Whether the story makes it fail on purpose, so that it tells of faults."""

    @classmethod
    async def start(
        cls,
        config: Path,
        log: Path,
        *,
        words: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
        code: Path = servers.TOP,
    ) -> "Daemon":
        """Starts one and returns at once; its log goes to a file of its own."""
        heard = manager.at(f"@{servers.named()}")
        with log.open("wb") as written:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "daemon", "serve", "--config", str(config), *words),
                cwd=code,
                env=servers.environment({"NOTIFY_SOCKET": heard.address, **(settings or {})}),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=written,
                stderr=written,
            )
        return cls(process, log, heard)

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    @property
    def name(self) -> str:
        """For people."""
        return f"{self._log.stem}, pid {self._process.pid}"

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    @property
    def log(self) -> str:
        """Everything it has said."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def lines(self, event: str) -> Iterator[dict[str, Any]]:
        """The log lines of one event."""
        for line in self.log.splitlines():
            if f'"{event}"' in line:
                yield json.loads(line)

    @property
    def memory(self) -> int:
        """Octets that it has in memory now."""
        return self._octets("VmRSS")

    @property
    def peak(self) -> int:
        """The most octets that it has ever had in memory."""
        return self._octets("VmHWM")

    def _octets(self, name: str) -> int:
        """What the system says of its memory, see proc(5)."""
        told = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        (line,) = (line for line in told.splitlines() if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024

    @property
    def repetitions(self) -> list[str]:
        """What it complained of again before ten seconds were over."""
        return repeated(self.complaints)

    @property
    def outages(self) -> list[dict[str, Any]]:
        """Those of its complaints that are of somebody who is away, or refuses."""
        return [line for line in self.complaints if "cause" in line]

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """The lines that tell of trouble, whoever wrote them."""
        # whoever was killed may have left half a line, and a crash point has words of its own
        whole = (line for line in self.log.splitlines() if line.startswith("{") and line[-1] == "}")
        return [line for line in map(json.loads, whole) if line["level"] in ("warning", "error")]

    async def names(self, check: str, cause: str, seconds: float = PATIENCE) -> None:
        """Returns once `/readyz` and STATUS say that something isn't well, and why."""
        reason, status = "", ""
        try:
            async with asyncio.timeout(seconds):
                while cause not in reason or f"{check}: " not in status or cause not in status:
                    await asyncio.sleep(_GLANCE)
                    reason = (await self._stands())["checks"].get(check, {}).get("reason") or ""
                    status = self._heard.last_status
        except TimeoutError:
            told = f"{reason!r} at /readyz, and {status!r}"
            raise AssertionError(f"{check} is not said to be {cause!r}, but {told}") from None

    async def recovers(self, seconds: float = PATIENCE) -> None:
        """Returns once `/readyz` and STATUS say that nothing is wrong any more."""
        async with asyncio.timeout(seconds):
            while not await self._is_well():  # noqa: ASYNC110 - a health check gives no sign
                await asyncio.sleep(_GLANCE)

    async def _is_well(self) -> bool:
        is_well: bool = (await self._stands())["well"]
        return is_well and self._heard.last_status.startswith("STATUS=delivering")

    async def _stands(self) -> Any:
        """What `/readyz?verbose` says, which answers at once whatever is wrong."""
        return json.loads((await self.answers("/readyz?verbose"))[1])

    def _address(self) -> str | None:
        """Where it tells machines how it is; None as long as it doesn't."""
        listening = next(self.lines("ops.listening"), None)
        return listening and f"http://{listening['host']}:{listening['port']}"

    async def ready(self, seconds: float = PATIENCE) -> None:
        """Returns when it says that it is ready."""
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
            while not await self._is_ready(session):
                assert self.is_running, f"ended with {self._process.returncode}\n{self.log}"
                await asyncio.sleep(_GLANCE)

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        address = self._address()
        if address is None:
            return False
        try:
            async with session.get(f"{address}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def waits(self, event: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """The first log line of an event, once it is there."""
        async with asyncio.timeout(seconds):
            while (line := next(self.lines(event), None)) is None:
                assert self.is_running, f"ended with {self._process.returncode}\n{self.log}"
                await asyncio.sleep(_GLANCE)
        return line

    async def answers(self, path: str) -> tuple[int, str]:
        """What its ops endpoint says."""
        at = await self.waits("ops.listening")
        async with (
            asyncio.timeout(PATIENCE),
            aiohttp.ClientSession() as session,
            session.get(f"http://{at['host']}:{at['port']}{path}") as answer,
        ):
            return answer.status, await answer.text()

    def hangup(self) -> None:
        """SIGHUP: it shall read its configuration again."""
        self._process.send_signal(signal.SIGHUP)

    async def reloaded(self) -> dict[str, Any]:
        """Has it read its configuration again; what it says once that is in force."""
        before = len(list(self.lines("reload.done")))
        self.hangup()
        async with asyncio.timeout(PATIENCE):
            while len(said := list(self.lines("reload.done"))) == before:  # noqa: ASYNC110 - a log
                await asyncio.sleep(_GLANCE)
        return said[-1]

    def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        self.is_doomed = True
        self._process.kill()

    def pause(self) -> None:
        """SIGSTOP: as if the machine had frozen."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: and on as if nothing had been."""
        self._process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM: it shall stop cleanly."""
        self._process.terminate()

    async def drains(self) -> None:
        """Returns once it says that it is about to stop."""
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
            while await self._is_ready(session):  # noqa: ASYNC110 - a health check gives no sign
                await asyncio.sleep(_GLANCE)

    async def ended(self, seconds: float = PATIENCE) -> int:
        """Its exit status, once it has ended."""
        async with asyncio.timeout(seconds):
            return await self._process.wait()

    async def stop(self, seconds: float = PATIENCE) -> None:
        """Stops it cleanly: it ends by itself, with 0, and had nothing to complain of itself."""
        if self.is_running:
            self.terminate()
        status = await self.ended(seconds)
        assert self.is_doomed or status == 0, f"ended with {status}\n{self.log}"
        assert self.may_fail or "Traceback" not in self.log, self.log

    async def clear_away(self) -> None:
        """Whatever came before: it is gone afterwards."""
        self._heard.close()
        if self.is_running:
            self._process.kill()
            await self._process.wait()


def repeated(lines: Sequence[dict[str, Any]]) -> list[str]:
    """What these complain of again before ten seconds are over."""
    spoken: dict[str, datetime] = {}
    found = []
    for line in lines:
        cause = line.get("cause") or ": ".join(str(line.get(key)) for key in _CAUSE)
        at = datetime.fromisoformat(line["timestamp"])
        if cause in spoken and (at - spoken[cause]).total_seconds() < _SELDOM:
            found.append(cause)
        spoken[cause] = at
    return found


async def typed(
    config: Path, *words: str, code: Path = servers.TOP, seconds: float = PATIENCE
) -> tuple[int, Any]:
    """The exit status and the JSON document of a command."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "daemon", *words, "--json", "--config", str(config)),
        cwd=code,
        env=servers.environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(seconds):
        said, complained = await process.communicate()
    assert said, f"{words} ended with {process.returncode}: {complained.decode()}"
    return process.returncode or 0, json.loads(said)


async def killed(config: Path, *words: str, at: str, seconds: float = PATIENCE) -> int:
    """The exit status of a command that is to die at a crash point."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "daemon", *words, "--config", str(config)),
        cwd=servers.TOP,
        env=servers.environment({"DELIVERYD_CRASH": at}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(seconds):
        return await process.wait()
