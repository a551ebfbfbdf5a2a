"""What a process has: descriptors and memory by the kernel's word, tasks by its own."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import aiohttp

from tests.checker.evidence import Vitals
from tests.stories.process import Daemon

_PAGE = 4096
_TASKS = re.compile(r"^deliveryd_tasks ([\d.e+]+)$", re.MULTILINE)
_PATIENCE = 10.0

Reading = Mapping[str, float]


async def of(daemon: Daemon) -> Reading:
    """What it has now."""
    place = Path(f"/proc/{daemon.pid}")
    return {
        "descriptors": len(list((place / "fd").iterdir())),
        "memory": int((place / "statm").read_text().split()[1]) * _PAGE,
        "tasks": await _tasks(daemon),
    }


async def _tasks(daemon: Daemon) -> float:
    address = next(daemon.lines("ops.listening"))
    url = f"http://{address['host']}:{address['port']}/metrics"
    timeout = aiohttp.ClientTimeout(total=_PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
        found = _TASKS.search(await answer.text())
    assert found, "no metric tells the tasks"
    return float(found[1])


def compared(before: Mapping[str, Reading], after: Mapping[str, Reading]) -> Iterator[Vitals]:
    """Each process against the most that any had before: they are all alike."""
    for process, now in after.items():
        for resource, amount in now.items():
            baseline = max(reading[resource] for reading in before.values())
            yield Vitals(process=process, resource=resource, baseline=baseline, now=amount)
