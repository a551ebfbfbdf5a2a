"""SIGHUP: the configuration is read again and taken over as a whole, or not at all.

What is wrong with it is said with file, line and key, and the old one stays in force. What changed
is said too, and what of it waits for a restart: that keeps its old value until then, even in a new
life of this instance.
"""

import asyncio
from collections.abc import Callable, Sequence

from daemon import config as configs
from daemon import logs, metrics
from daemon.config import Change
from daemon.engine import House
from daemon.process import arrival
from daemon.process.notify import Notify
from daemon.store import errors
from daemon.tasks import Refusal

_log = logs.get("process.reload")


async def run(
    house: House, hangup: asyncio.Event, read: Callable[[], configs.Loaded], notify: Notify
) -> None:
    """Reloads at each hangup, for ever."""
    while True:
        await hangup.wait()
        hangup.clear()
        is_up = house.begun.is_set()
        if is_up:
            notify.reloading()
        flaws = await _reloaded(house, read)
        house.remark = f"reload refused: {flaws[0]}" if flaws else ""
        if is_up:
            notify.ready()


async def _reloaded(house: House, read: Callable[[], configs.Loaded]) -> list[str]:
    """One reload; answers what is wrong, if anything is, and then nothing has changed."""
    try:
        fresh = read()
    except configs.ConfigError as error:
        return _refused([str(flaw) for flaw in error.flaws])
    old = house.loaded.config
    if not house.key:
        return _refused(["the start still waits for the database"])
    taken = configs.merged(old, fresh.config)
    try:
        await arrival.load(house, taken)
    except (errors.Unavailable, errors.Again) as error:
        return _refused([f"the database is away: {error}"])
    except Refusal as error:
        return _refused([str(error)])
    except Exception as error:  # noqa: BLE001 - whatever it is, what was in force goes on
        _log.error("reload.failed", exc_info=error)
        return _refused([f"the database doesn't take it: {type(error).__name__}"])
    house.loaded = configs.Loaded(config=taken, origins=fresh.origins)
    logs.adjust(level=taken.log.level, addresses=taken.log.addresses)
    for follower in house.followers:
        follower(taken)
    in_force()
    _tell(configs.changed(old, fresh.config))
    return []


def in_force() -> None:
    """The configuration in force is the one on disk."""
    metrics.config_last_reload_successful.set(1)
    metrics.config_last_reload_seconds.set_to_current_time()


def _refused(flaws: Sequence[str]) -> list[str]:
    metrics.config_reloads("refused").inc()
    metrics.config_last_reload_successful.set(0)
    _log.error("reload.refused", flaws=flaws)
    return list(flaws)


def _tell(changes: Sequence[Change]) -> None:
    metrics.config_reloads("ok").inc()
    _log.info(
        "reload.done",
        changed=[str(change) for change in changes if not change.needs_restart],
        needs_restart=[str(change) for change in changes if change.needs_restart],
    )
