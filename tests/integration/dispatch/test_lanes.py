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
            assert granted >= held
            open_now[instance] = granted
            nonlocal most
            most = max(most, sum(open_now.values()))
            # it closes some, which the others may only have once it has said so
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
    """Both come to their fair share within two asks each, as far as connections are closed."""
    first, second = await ground.instance(), await ground.instance()
    lane = ground.lanes[1]
    await lanes.granted(ground.store, lane, first, wanted=10, held=0)
    await lanes.granted(ground.store, lane, second, wanted=10, held=0)
    assert await lanes.granted(ground.store, lane, first, wanted=10, held=5) == 5
    assert await lanes.granted(ground.store, lane, second, wanted=10, held=0) == 5


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
