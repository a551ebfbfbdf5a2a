"""The composition root: which parts there are, what each is made of, and in which order they stop.

A life is what one instance does under one identity. It ends with a stop, or when its lease is lost:
then everything it had claimed is let go in the same order as at a stop, and a new life begins.

Stop order: intake (nothing new is accepted), dispatch (see `dispatch/part.py`), the writers, the
teller (what is committed is told), then the rest; the lease is ended last.
"""

import asyncio
import os
import platform
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib import metadata
from uuid import uuid4

from daemon import config as configs
from daemon import engine, logs, metrics
from daemon.broker import connection, declare
from daemon.directory import loading
from daemon.dispatch.lease import Lease, LeaseLost
from daemon.engine import House
from daemon.store import door, errors, instances, migrate
from daemon.web import ops
from daemon.web.health import Health

PARTS = frozenset({"intake", "dispatch"})
"""What `--only` can choose from; telling, health and the lease are always there."""

_PAUSE = 1.0
"""Seconds between two tries to begin a life while the database is away."""

_log = logs.get("app")


class TopologyDiffers(Exception):
    """A queue or an exchange exists with other arguments than ours."""


async def serve(
    loaded: configs.Loaded, *, only: frozenset[str], reload: Callable[[], configs.Loaded]
) -> int:
    """Runs until a signal; answers the exit code. `Unavailable` when the start finds no servers."""
    settings = loaded.config
    logs.configure(
        level=settings.log.level, form=settings.log.format, addresses=settings.log.addresses
    )
    stop, hangup = asyncio.Event(), asyncio.Event()
    _on_signals(stop, hangup)
    async with _house(loaded) as house, asyncio.TaskGroup() as group:
        about = {"version": metadata.version("deliveryd"), "python": platform.python_version()}
        metrics.built(**about, instance=house.name)
        _taken_over()
        beside = [
            group.create_task(
                ops.serve(settings.ops.listen, house.health, about=about), name="ops"
            ),
            group.create_task(_reloads(house, hangup, reload), name="reload"),
        ]
        while not stop.is_set():
            await _life(house, only or PARTS, stop)
        for task in beside:
            task.cancel()
    _log.info("stopped")
    return 0


@asynccontextmanager
async def _house(loaded: configs.Loaded) -> AsyncIterator[House]:
    settings = loaded.config
    reach = reach_of(loaded, "serve")
    name = f"{settings.instance.name}.{os.getpid()}"
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(door.opened(reach))
        await migrate.check(store)
        await _load(store, settings)
        links = [
            await stack.enter_async_context(_link(settings, name, role))
            for role in ("consume", "publish")
        ]
        await _topology(settings)
        yield House(
            loaded=loaded,
            store=store,
            reach=reach,
            inbound=links[0],
            outbound=links[1],
            health=Health(("postgres", "rabbitmq")),
            name=name,
        )


async def _topology(settings: configs.Config) -> None:
    """Declares what is missing. What exists with other arguments is named, and not fought."""
    applied = await declare.apply(settings.rabbitmq.url.reveal(), settings.rabbitmq.prefix)
    if applied.differences:
        raise TopologyDiffers("; ".join(str(one) for one in applied.differences))


async def _load(store: door.Store, settings: configs.Config) -> None:
    """The configured customers, transports and tokens, into their tables."""
    await loading.load(
        store,
        customers=settings.customer,
        transports=settings.transport,
        tokens=settings.token,
        key=await engine.hash_key(store, settings),
    )


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
    if not await _begun(lease, stop):
        return
    _log.info("life.begins", instance=str(instance.id), parts=sorted(only))
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        watching = [
            group.create_task(_until_lost(lease, over), name="lease"),
            group.create_task(_until(stop, over), name="stop"),
        ]
        await engine.run(house, lease, only, over)
        for task in watching:
            task.cancel()
    await lease.end()


async def _begun(lease: Lease, stop: asyncio.Event) -> bool:
    """Registers as soon as the database is there; False when it is time to stop before that."""
    seldom = logs.Seldom()
    while not stop.is_set():
        try:
            await lease.begin()
        except (errors.Unavailable, errors.Again) as error:
            if seldom.ask("begin") is not None:
                _log.warning("life.waits", why=str(error))
            await asyncio.sleep(_PAUSE)
        else:
            return True
    return False


async def _until_lost(lease: Lease, over: asyncio.Event) -> None:
    try:
        await lease.run()
    except LeaseLost:
        metrics.leases_lost.inc()
        _log.error("lease.lost", instance=str(lease.instance))
        over.set()


async def _until(stop: asyncio.Event, over: asyncio.Event) -> None:
    await stop.wait()
    over.set()


async def _reloads(
    house: House, hangup: asyncio.Event, reload: Callable[[], configs.Loaded]
) -> None:
    """SIGHUP: the configured customers, transports and tokens anew; all or nothing."""
    while True:
        await hangup.wait()
        hangup.clear()
        try:
            fresh = reload()
        except configs.ConfigError as error:
            metrics.config_reloads("refused").inc()
            metrics.config_last_reload_successful.set(0)
            _log.error("reload.refused", flaws=[str(flaw) for flaw in error.flaws])
            continue
        try:
            await _load(house.store, fresh.config)
        except errors.Unavailable as error:
            metrics.config_reloads("refused").inc()
            _log.error("reload.refused", flaws=[f"the database is away: {error}"])
            continue
        logs.adjust(level=fresh.config.log.level, addresses=fresh.config.log.addresses)
        metrics.config_reloads("ok").inc()
        _taken_over()
        changes = configs.changed(house.loaded.config, fresh.config)
        house.loaded = fresh
        for follower in house.followers:
            follower(fresh.config)
        _log.info(
            "reload.done",
            changed=[change.key for change in changes if not change.needs_restart],
            needs_restart=[change.key for change in changes if change.needs_restart],
        )


def _taken_over() -> None:
    """The configuration in force is the one on disk."""
    metrics.config_last_reload_successful.set(1)
    metrics.config_last_reload_seconds.set_to_current_time()


def _on_signals(stop: asyncio.Event, hangup: asyncio.Event) -> None:
    def leave() -> None:
        if stop.is_set():
            os._exit(1)  # the second SIGTERM: leave at once, whatever is under way
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
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


def _link(
    settings: configs.Config, name: str, role: str
) -> AbstractAsyncContextManager[connection.Link]:
    rabbitmq = settings.rabbitmq
    return connection.connect(
        rabbitmq.url.reveal(),
        instance=name,
        role=role,
        heartbeat=rabbitmq.heartbeat,
        seconds=rabbitmq.connect_timeout,
    )
