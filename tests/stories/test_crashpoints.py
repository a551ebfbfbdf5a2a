"""Killed at every named point of the daemon, alone and with a second instance.

Each once, in the middle of its work; `deploy/chaos crashpoints` has the other positions.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.chaos import crash
from tests.chaos.crash import Death
from tests.chaos.points import POINTS, Mode, Point, Position
from tests.stories import house as houses
from tests.stories.house import ONE_LOOP, House
from tests.stories.servers import Servers

pytestmark = [ONE_LOOP, pytest.mark.timeout(120)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def haunted(
    shared_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """A house in which one daemon after the other dies; judged after the last one."""
    async with houses.opened(shared_servers, tmp_path_factory.mktemp("haunted")) as opened:
        await crash.prepared(opened)
        yield opened
        await opened.judge()


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
async def test_alone(haunted: House, point: Point) -> None:
    """Kill -9 at any point loses nobody and repeats nobody; only C15 and C16 leave a doubt."""
    for daemon in haunted.daemons:
        await daemon.stop()
    death = Death(point=point, position=Position.MIDDLE, mode=Mode.ALONE)
    found = await crash.died(haunted, death)
    assert found.flaws == []


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
async def test_with_a_second(haunted: House, point: Point) -> None:
    """An instance that runs beside the one that dies ends its work; a held doubt isn't repeated."""
    policy = "hold" if point.is_doubt else "resend"
    death = Death(point=point, position=Position.MIDDLE, mode=Mode.SECOND, policy=policy)
    found = await crash.died(haunted, death)
    assert found.flaws == []
