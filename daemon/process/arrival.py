"""The start: waits until both servers are there and ready for us, and says what it waits for.

Nothing works before that, so that nobody meets a daemon that is half alive: it answers /livez, and
/readyz with the cause. What time doesn't mend ends the start: a schema that isn't ours, a queue
with other arguments. Credentials and permissions that are refused are waited for, as whoever grants
them may do so at any time.
"""

import asyncio
from random import Random

from daemon import config as configs
from daemon import logs, tasks
from daemon.broker import connection, declare
from daemon.broker import errors as broker
from daemon.directory import keys, loading
from daemon.engine import House
from daemon.outage import Outage
from daemon.store import errors, instances, schema
from daemon.tasks import Refusal

_log = logs.get("process.arrival")


class TopologyDiffers(Refusal):
    """A queue or an exchange exists with other arguments than ours."""


class NotThere(Refusal):
    """A server isn't there, and nobody wants to wait for it."""


async def arrived(house: House, stop: asyncio.Event, *, wait: bool) -> bool:
    """Returns when work can begin; False when it is time to stop before that.

    Raises `SchemaMismatch`, `TopologyDiffers`; `NotThere` unless it may wait.
    """
    for pause in connection.pauses(Random()):  # noqa: S311 - it only spreads instances out
        missing = await _missing(house)
        if not missing:
            return True
        why = "; ".join(f"{server}: {error}" for server, error in missing.items())
        if not wait:
            raise NotThere(why)
        house.health.report("life", ok=False, reason=f"waits for {why}")
        for server, error in missing.items():
            logs.outage(_log, "start.waits", error, server=server)
        if await tasks.comes(stop, pause):
            break
    return False


async def _missing(house: House) -> dict[str, Outage]:
    """The servers that aren't ready for us, and why."""
    asked = {"postgres": await _database(house), "rabbitmq": await _broker(house)}
    missing = {server: error for server, error in asked.items() if error}
    if not missing and (error := await _directory(house)):
        missing["postgres"] = error
    return missing


async def _database(house: House) -> Outage | None:
    """Why the database isn't ready for us."""
    try:
        newer = await schema.check(house.store)
        house.key = await keys.hash_key(house.store, house.loaded.config.intake.hash_key.reveal())
        house.fingerprint = await instances.fingerprint(house.store)
        if newer:
            _log.info("schema.newer", steps=newer)
    except (errors.Unavailable, errors.Again) as error:
        return error
    return None


async def _directory(house: House) -> Outage | None:
    """Why our directory isn't in the database; the last step, so that it is said once."""
    try:
        await load(house, house.loaded.config)
    except (errors.Unavailable, errors.Again) as error:
        return error
    return None


async def _broker(house: House) -> Outage | None:
    """Why the broker isn't ready for us with all our exchanges and queues."""
    rabbitmq = house.loaded.config.rabbitmq
    try:
        applied = await declare.apply(
            rabbitmq.url.reveal(), rabbitmq.prefix, seconds=rabbitmq.connect_timeout
        )
    except broker.Unavailable as error:
        return error
    if applied.differences:
        raise TopologyDiffers("; ".join(str(one) for one in applied.differences))
    return None


async def load(house: House, settings: configs.Config) -> None:
    """The configured customers, transports and tokens, into their tables."""
    await loading.load(
        house.store,
        customers=settings.customer,
        transports=settings.transport,
        tokens=settings.token,
        key=house.key,
    )
