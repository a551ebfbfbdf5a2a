"""A part fails by a fault of ours."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import pytest
import pytest_asyncio

from daemon import app, config
from daemon.tasks import Group
from tests.stories import asks
from tests.stories import house as houses
from tests.stories.house import ONE_LOOP, House
from tests.stories.servers import Servers

pytestmark = ONE_LOOP

TASKS = (
    *("ops", "watch.servers", "reload", "signs", "broker.link.consume", "broker.link.publish"),
    *("lease", "lease.lost", "stop", "life.end", "parts", "journal", "notices"),
    *("watch.parts", "watch.depths"),
    *("ledger.teller", "ledger.teller.tells", "ledger.teller.marks"),
    *("upkeep.ceilings", "upkeep.frozen", "upkeep.gauges", "upkeep.house", "upkeep.retention"),
    *("intake", "intake.sweep", "intake.expander", "intake.replays", "intake.answers"),
    *("intake.normal", "intake.normal.0", "intake.normal.unkeyed", "intake.normal.rest"),
    *("intake.urgent", "intake.urgent.0", "intake.urgent.unkeyed", "intake.urgent.rest"),
    *("dispatch", "dispatch.settler", "dispatch.returns", "dispatch.lanes", "dispatch.claimer"),
    *("dispatch.rescue", "dispatch.overdue", "dispatch.booking"),
    *("dispatch.lane.1", "lane.1.permits", "lane.1.grants"),
)
"""Every task that lives as long as the process, a life, or a lane."""
_SHORT = re.compile(r"\.(take|answer|bury|undecided)$|\.connection\.\d+$|^lease\.beat$")


class Sabotage(Exception):
    """A fault that nobody foresaw."""


class Saboteur:
    """Breaks the task of one name once it is told to, and notes the names of all."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: set[str] = set()
        self.begun = asyncio.Event()
        self.now = asyncio.Event()

    def over(self, real: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """What a group does with a task, with us in between."""

        def noticed(
            group: Group, coro: Coroutine[Any, Any, Any], name: str, *, is_endless: bool = False
        ) -> Coroutine[Any, Any, Any]:
            self.seen.add(name)
            work = self._broken(coro) if name == self.name else coro
            return real(group, work, name, is_endless=is_endless)

        return noticed

    async def _broken(self, coro: Coroutine[Any, Any, Any]) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(coro)
            self.begun.set()
            await self.now.wait()
            raise Sabotage(self.name)


async def _served(house: House) -> int:
    """The daemon within this process, until it ends; answers its exit code."""
    loaded = config.load(house.written(), environ={})
    return await app.serve(loaded, only=frozenset(), read=lambda: loaded, wait=False)


def _told(written: str, event: str) -> Iterator[dict[str, Any]]:
    for line in written.splitlines():
        if f'"{event}"' in line:
            yield json.loads(line)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def troubled(
    shared_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """A house where one fault follows the other; in the end somebody healthy does what is left."""
    async with houses.opened(shared_servers, tmp_path_factory.mktemp("troubled")) as opened:
        await opened.sink.do("slow", ms=20)
        yield opened
        await opened.sink.do("slow", ms=0)
        await opened.start()
        await opened.judge()


@pytest.mark.parametrize("name", TASKS)
async def test_a_fault_ends_the_process_in_order(
    name: str,
    troubled: House,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """H13: whichever task fails, one line names it, the rest stops in order, the code is 70."""
    saboteur = Saboteur(name)
    monkeypatch.setattr(Group, "_noticed", saboteur.over(Group._noticed))
    await troubled.producer.tell(asks.send(asks.people(20)))
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        serving = group.create_task(_served(troubled))
        await saboteur.begun.wait()
        await troubled.sink.more(2)
        saboteur.now.set()
        assert await serving == 70
    said = capsys.readouterr().err
    (line,) = _told(said, "task.failed")
    assert (line["task"], line["fault"]) == (name, f"Sabotage: {name}")
    assert not re.search(r"^(Traceback|  [+|])", said, flags=re.MULTILINE), said


async def test_every_long_task_is_broken_here(
    troubled: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No task that lives long is missing above."""
    saboteur = Saboteur("lane.1.permits")
    monkeypatch.setattr(Group, "_noticed", saboteur.over(Group._noticed))
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        serving = group.create_task(_served(troubled))
        await saboteur.begun.wait()
        saboteur.now.set()
        await serving
    others = {"intake.normal.1", "intake.urgent.1"}  # each is like the first
    assert {name for name in saboteur.seen if not _SHORT.search(name)} - others == set(TASKS)
