"""The order of a stop: what each part is given of its time."""

import asyncio
from types import SimpleNamespace
from typing import Any

from daemon import engine
from daemon.stop import Stop


class Intake:
    """One that can't end in time."""

    def reload(self, _: object) -> None:
        """Nothing to take over."""

    async def run(self, _: Stop) -> None:
        """For ever."""
        await asyncio.Event().wait()


class Dispatch:
    """One that only looks at how much time it is given."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.left = 0.0
        self.claimer = SimpleNamespace(stand_down=lambda: self.order.append("claims no more"))

    def reload(self, _: object) -> None:
        """Nothing to take over."""

    async def run(self, stop: Stop) -> None:
        """Until it is time."""
        await stop.wait()
        self.order.append("stops")
        self.left = stop.left()


async def test_whoever_hangs_leaves_time_to_the_others() -> None:
    """Intake has half of a stop's time at most; at its first moment nothing more is claimed."""
    config: Any = SimpleNamespace(instance=SimpleNamespace(stop_deadline=1.0))
    health = SimpleNamespace(is_draining=False, report=lambda *_, **__: None, drain=lambda: None)
    house: Any = SimpleNamespace(
        loaded=SimpleNamespace(config=config), health=health, begun=asyncio.Event(), followers=[]
    )
    lease: Any = SimpleNamespace(draining=False)
    intake: Any = Intake()
    dispatch: Any = Dispatch()
    over = Stop(1.0)
    over.set()
    await engine._run(house, lease, over, engine._Parts(intake=intake, dispatch=dispatch))
    assert dispatch.order == ["claims no more", "stops"]
    assert 0.2 < dispatch.left <= 0.5
