"""The composition root: which parts there are, what each is made of, and in which order they stop.

A life is what one instance does under one identity. It ends with a stop, or when its lease is lost:
then everything it had claimed is let go in the same order as at a stop, and a new life begins. It
ends in that order, too, when a part can't go on; the process ends with it, for systemd to restart.

Stop order: intake (nothing new is accepted), dispatch (see `dispatch/part.py`), the writers, the
teller (what is committed is told), then the rest; the lease is ended last.
"""

import asyncio
import os
import platform
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from importlib import metadata
from uuid import uuid4

from daemon import config as configs
from daemon import engine, logs, metrics, watch
from daemon.broker import connection
from daemon.broker.publisher import BatchPublisher
from daemon.dispatch.lease import Lease, LeaseLost
from daemon.engine import House
from daemon.process import arrival, ends, leash, reload
from daemon.process.notify import Notify
from daemon.process.signs import Signs, of_house
from daemon.stop import FAILED, Stop
from daemon.store import door, errors, instances
from daemon.tasks import Group
from daemon.web import ops
from daemon.web.health import Health

PARTS = frozenset({"intake", "dispatch"})
"""What `--only` can choose from; telling, health and the lease are always there."""

_PAUSE = 1.0
"""Seconds between two tries to begin a life while the database is away."""

_log = logs.get("app")


async def serve(
    loaded: configs.Loaded,
    *,
    only: frozenset[str],
    read: Callable[[], configs.Loaded],
    wait: bool = True,
) -> int:
    """Runs until a signal, or until a part can't go on; answers the exit code.

    Raises what makes a start impossible, see `arrival`. `read` reads the configuration again.
    """
    settings = loaded.config
    logs.configure(
        level=settings.log.level, form=settings.log.format, addresses=settings.log.addresses
    )
    about = {"version": metadata.version("deliveryd"), "python": platform.python_version()}
    async with _house(loaded) as house:
        metrics.built(**about, instance=house.name)
        reload.in_force()
        try:
            await _process(house, only or PARTS, about, read=read, wait=wait)
        except ExceptionGroup as failed:
            return ends.told(failed)
    _log.info("stopped", left_to_the_next=house.left)
    return ends.UNFINISHED if house.left else 0


async def _process(
    house: House,
    only: frozenset[str],
    about: dict[str, str],
    *,
    read: Callable[[], configs.Loaded],
    wait: bool,
) -> None:
    """What is there from the start to the end, and one life after the other."""
    stop, hangup = asyncio.Event(), asyncio.Event()
    notify = Notify()
    signs = Signs(notify, stop, is_begun=house.begun.is_set, standing=partial(of_house, house))

    def leave(why: str = FAILED) -> None:
        if not stop.is_set():
            house.leaves = why
            patience = house.loaded.config.instance.stop_deadline + ends.GRACE
            loop = asyncio.get_running_loop()
            house.guards.append(loop.call_later(patience, ends.hung))
        stop.set()
        signs.give()  # before anything else: a stop may take no time at all

    _on_signals(stop, hangup, leave)
    leash.hold(partial(leave, "its supervisor has gone"))
    async with Group(over=leave) as group:
        beside = [
            group.forever(
                ops.serve(house.loaded.config.ops.listen, house.health, about=about), name="ops"
            ),
            group.forever(
                watch.servers(house.health, house.store, house.inbound, house.outbound),
                name="watch.servers",
            ),
            group.forever(reload.run(house, hangup, read, notify), name="reload"),
            group.forever(signs.run(), name="signs"),
        ]
        if await arrival.arrived(house, stop, wait=wait):
            beside += [
                group.forever(house.inbound.keep(), name="broker.link.consume"),
                group.forever(house.outbound.keep(), name="broker.link.publish"),
            ]
            while not stop.is_set():
                await _life(house, only, stop)
        for task in beside:
            task.cancel()


@asynccontextmanager
async def _house(loaded: configs.Loaded) -> AsyncIterator[House]:
    """Nothing here needs a server to be there: `arrival` waits for them."""
    settings = loaded.config
    reach = reach_of(loaded, "serve")
    name = f"{settings.instance.name}.{os.getpid()}"
    inbound, outbound = (_link(settings, name, role) for role in ("consume", "publish"))
    guards: list[asyncio.TimerHandle] = []
    async with AsyncExitStack() as stack:
        stack.callback(_called_off, guards)  # when all the rest is closed: nothing hangs any more
        for link in (inbound, outbound):
            stack.push_async_callback(link.close)
        house = House(
            loaded=loaded,
            store=await stack.enter_async_context(door.opened(reach, at_once=False)),
            reach=reach,
            inbound=inbound,
            outbound=outbound,
            publisher=BatchPublisher(outbound),
            answerer=BatchPublisher(outbound),
            health=Health(("postgres", "rabbitmq", "life")),
            name=name,
            guards=guards,
        )
        yield house


def _called_off(guards: list[asyncio.TimerHandle]) -> None:
    for one in guards:
        one.cancel()


async def _life(house: House, only: frozenset[str], stop: asyncio.Event) -> None:
    """One identity, from its registration to its end."""
    settings = house.loaded.config
    instance = instances.Instance(
        id=uuid4(),
        name=house.name,
        host=socket.gethostname(),
        state_dir=str(settings.instance.state_dir.resolve()),
        version=metadata.version("deliveryd"),
    )
    lease = Lease(house.store, instance, settings.instance.lease)
    if not await _begun(house, lease, stop):
        return
    _log.info("life.begins", instance=str(instance.id), parts=sorted(only))
    over = Stop(settings.instance.stop_deadline)
    try:
        async with Group(over=over.set) as group:
            watching = [
                group.create_task(_renewed(lease), name="lease"),
                group.create_task(_until_lost(house, lease, over), name="lease.lost"),
                group.create_task(_until(house, stop, over), name="stop"),
                group.create_task(_in_time(over), name="life.end"),
            ]
            await engine.run(house, lease, only, over)
            for task in watching:
                task.cancel()
    finally:
        await lease.end(is_done=not house.left)


async def _begun(house: House, lease: Lease, stop: asyncio.Event) -> bool:
    """Registers as soon as the database is there; False when it is time to stop before that."""
    while not stop.is_set():
        try:
            await lease.begin()
        except (errors.Unavailable, errors.Again) as error:
            house.health.report("life", ok=False, reason=f"waits for postgres: {error}")
            logs.outage(_log, "life.waits", error)
            await asyncio.sleep(_PAUSE)
        else:
            return True
    return False


async def _renewed(lease: Lease) -> None:
    with suppress(LeaseLost):  # told by `lost`, and sooner
        await lease.run()


async def _until_lost(house: House, lease: Lease, over: Stop) -> None:
    await lease.lost.wait()
    metrics.leases_lost.inc()
    house.health.report("life", ok=False, reason="the lease was lost: a new life begins")
    _log.error("lease.lost", instance=str(lease.instance))
    over.set(why="the lease was lost")


async def _until(house: House, stop: asyncio.Event, over: Stop) -> None:
    await stop.wait()
    over.set(why=house.leaves)


async def _in_time(over: Stop) -> None:
    """A life that doesn't end when it should, be it for its lease, takes the process with it."""
    await over.wait()
    await asyncio.sleep(over.left() + ends.GRACE)
    ends.hung()


def _on_signals(stop: asyncio.Event, hangup: asyncio.Event, leave: Callable[[str], None]) -> None:
    def terminated(by: signal.Signals) -> None:
        if stop.is_set():
            os._exit(ends.AT_ONCE)  # the second SIGTERM: leave, whatever is under way
        leave(by.name)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, terminated, number)
    loop.add_signal_handler(signal.SIGHUP, hangup.set)


def reach_of(loaded: configs.Loaded, role: str) -> door.Reach:
    """How the configuration reaches the database."""
    postgres = loaded.config.postgres
    return door.Reach(
        dsn=postgres.dsn.reveal(),
        role=role,
        connections=postgres.pool,
        connect_timeout=postgres.connect_timeout,
        statement_timeout=postgres.statement_timeout,
        silence=postgres.silence,
    )


def _link(settings: configs.Config, name: str, role: str) -> connection.Link:
    rabbitmq = settings.rabbitmq
    return connection.link(
        rabbitmq.url.reveal(),
        instance=name,
        role=role,
        heartbeat=rabbitmq.heartbeat,
        seconds=rabbitmq.connect_timeout,
    )
