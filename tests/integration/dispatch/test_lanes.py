"""Limits over all instances: the sum of grants, and the pace of slices."""

import asyncio
import random
from uuid import UUID

from daemon.store import lanes


async def test_grants_never_pass_the_limit(ground) -> None:
    """Whoever asks for how much, in whatever order: the sum stays within the limit (promise 6)."""
    chance, open_now, most = random.Random(1), {}, 0

    async def ask(instance: UUID) -> None:
        held = 0
        for _ in range(25):
            wanted = chance.randint(0, 15)
            granted = await lanes.granted(
                ground.store, ground.lanes[1], instance, wanted=wanted, held=held
            )
            # until it says that they are closed, it may still have open what it had
            open_now[instance] = max(granted, held)
            nonlocal most
            most = max(most, sum(open_now.values()))
            held = chance.randint(0, granted)

    some = [await ground.instance() for _ in range(4)]
    async with asyncio.TaskGroup() as group:
        for one in some:
            group.create_task(ask(one))
    assert 5 < most <= 10


async def test_the_dead_hold_nothing(ground) -> None:
    """What an instance held is free when its lease has ended."""
    first, second = await ground.instance(), await ground.instance()
    assert await lanes.granted(ground.store, ground.lanes[1], first, wanted=10, held=0) == 10
    assert await lanes.granted(ground.store, ground.lanes[1], second, wanted=10, held=0) == 0
    await ground.bare.execute("UPDATE instance SET lease_until = now() WHERE id = $1", first)
    assert await lanes.granted(ground.store, ground.lanes[1], second, wanted=10, held=0) == 10


async def test_a_greedy_instance_shrinks_for_another(ground) -> None:
    """Whoever has all learns that it must close some, and the other gets them once it has."""
    first, second = await ground.instance(), await ground.instance()

    async def ask(instance: UUID, *, wanted: int, held: int) -> int:
        return await lanes.granted(
            ground.store, ground.lanes[1], instance, wanted=wanted, held=held
        )

    assert await ask(first, wanted=10, held=0) == 10
    assert await ask(second, wanted=10, held=0) == 0
    assert await ask(first, wanted=10, held=10) == 5
    assert await ask(second, wanted=10, held=0) == 0
    assert await ask(first, wanted=10, held=5) == 5
    assert await ask(second, wanted=10, held=0) == 5


async def test_what_is_idle_makes_room(ground) -> None:
    """Idle connections stay open as long as nobody needs their room, and not longer."""
    first, second = await ground.instance(), await ground.instance()

    async def ask(instance: UUID, *, wanted: int, held: int) -> int:
        return await lanes.granted(
            ground.store, ground.lanes[1], instance, wanted=wanted, held=held
        )

    assert await ask(first, wanted=8, held=0) == 8
    assert await ask(first, wanted=0, held=8) == 8
    assert await ask(second, wanted=10, held=0) == 2
    assert await ask(first, wanted=0, held=8) == 0
    assert await ask(first, wanted=0, held=0) == 0
    assert await ask(second, wanted=10, held=2) == 10


async def test_slices_follow_each_other(ground) -> None:
    """A lane's rate is handed out without overlap: each slice begins where the last one ended."""
    lane = ground.lanes[1]
    await ground.bare.execute("UPDATE lane SET max_per_second = 10 WHERE id = $1", lane)
    slices = [await lanes.paced(ground.store, lane, 5) for _ in range(4)]
    waits = [portion.wait for portion in slices if portion]
    assert waits[0] <= 0.01
    for place, wait in enumerate(waits):
        assert 0.5 * place - 0.3 < wait <= 0.5 * place + 0.01


async def test_no_rate_no_slice(ground) -> None:
    """A lane without a rate isn't paced."""
    assert await lanes.paced(ground.store, ground.lanes[1], 5) is None
