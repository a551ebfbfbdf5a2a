"""The topology at a real broker: what is missing or different, and making what is missing.

On a short connection of its own, so that no refusal can hurt a link that carries traffic. Nothing
is deleted and nothing fought: a queue with other arguments is named, and whoever runs the broker
decides. AMQP can't ask for bindings; `apply` makes them again, which changes nothing if they exist.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from aio_pika import exceptions
from aio_pika.abc import AbstractChannel

from daemon import logs
from daemon.broker import errors, topology
from daemon.broker.topology import Exchange, Queue
from daemon.broker.wire import Wire

_log = logs.get("broker.declare")

_CLASH = re.compile(
    r"inequivalent arg '(?P<argument>[^']+)'"
    r".*: received (?P<wanted>.+) but current is (?P<found>.+)"
)
_VALUE = re.compile(r"'([^']*)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An exchange or a queue that isn't as it should be: missing, or with another argument.

    The broker names one argument at a time; the next shows when this one is mended.
    """

    kind: Literal["exchange", "queue"]
    name: str
    argument: str
    """Empty if the whole is missing."""
    wanted: str = "present"
    found: str = "missing"

    def __str__(self) -> str:
        argument = f" {self.argument}" if self.argument else ""
        return f"{self.kind} {self.name}:{argument} is {self.found}, should be {self.wanted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was made, and what could not be because it is there, but different."""

    created: tuple[str, ...]
    """As in "queue deliveryd.dead"."""
    differences: tuple[Difference, ...]


async def check(url: str, prefix: str, *, seconds: float = 10.0) -> list[Difference]:
    """What is missing or different; changes nothing. Raises `Unavailable`, `Refused`."""
    async with _wire(url, seconds) as wire:
        found = [await _difference(wire, thing) for thing in _things(prefix)]
    return [difference for difference in found if difference]


async def apply(url: str, prefix: str, *, seconds: float = 10.0) -> Applied:
    """Makes what is missing, and every binding; safe to repeat. Raises `Unavailable`, `Refused`.

    A user without the permission to configure may still apply what is complete already.
    """
    created: list[str] = []
    differences: list[Difference] = []
    async with _wire(url, seconds) as wire:
        for thing in _things(prefix):
            difference = await _difference(wire, thing)
            if difference and difference.argument:
                differences.append(difference)
            elif difference:
                await _declare(wire, thing)
                created.append(f"{difference.kind} {difference.name}")
        for queue in topology.queues(prefix):
            await _bind(wire, queue)
    return Applied(created=tuple(created), differences=tuple(differences))


def _things(prefix: str) -> tuple[Exchange | Queue, ...]:
    return *topology.exchanges(prefix), *topology.queues(prefix)


async def _difference(wire: Wire, thing: Exchange | Queue) -> Difference | None:
    """Asks first whether it exists: only then is a declare a question, and no order."""
    kind = _kind(thing)
    try:
        async with wire.question() as channel:
            try:
                await _ask(channel, thing)
            except exceptions.ChannelNotFoundEntity:
                return Difference(kind=kind, name=thing.name, argument="")
        clash = await _declare(wire, thing)
    except errors.Refused as error:
        _log.info("topology.not_compared", kind=kind, name=thing.name, why=str(error))
        return None
    return clash


async def _declare(wire: Wire, thing: Exchange | Queue) -> Difference | None:
    """Makes it, or names the argument in which the existing one differs."""
    async with wire.question() as channel:
        try:
            await _order(channel, thing)
        except exceptions.ChannelPreconditionFailed as error:
            return _named(thing, errors.words(error))
    return None


async def _ask(channel: AbstractChannel, thing: Exchange | Queue) -> None:
    """Passive: raises if it doesn't exist. The broker compares nothing then."""
    if isinstance(thing, Exchange):
        await channel.declare_exchange(thing.name, thing.kind, passive=True)
    else:
        await channel.declare_queue(thing.name, passive=True)


async def _order(channel: AbstractChannel, thing: Exchange | Queue) -> None:
    """Active: makes it, or raises if it exists with other arguments."""
    arguments = dict(thing.arguments)
    if isinstance(thing, Exchange):
        await channel.declare_exchange(thing.name, thing.kind, durable=True, arguments=arguments)
    else:
        await channel.declare_queue(thing.name, durable=True, arguments=arguments)


async def _bind(wire: Wire, queue: Queue) -> None:
    """Where we may not, an operator who made the queue has bound it as well."""
    try:
        async with wire.question() as channel:
            handle = await channel.get_queue(queue.name, ensure=False)
            await handle.bind(queue.exchange, queue.routing_key)
    except errors.Refused as error:
        _log.info("topology.not_bound", queue=queue.name, why=str(error))


def _named(thing: Exchange | Queue, said: str) -> Difference:
    """From the broker's sentence; as a whole, should it ever be worded otherwise."""
    kind = _kind(thing)
    clash = _CLASH.search(said)
    if clash is None:
        return Difference(
            kind=kind, name=thing.name, argument="arguments", wanted="as declared", found=said
        )
    wanted, found = _value(clash["wanted"]), _value(clash["found"])
    return Difference(
        kind=kind, name=thing.name, argument=clash["argument"], wanted=wanted, found=found
    )


def _value(said: str) -> str:
    """`quorum` out of `the value 'quorum' of type 'longstr'`; `none` stays."""
    value = _VALUE.search(said)
    return value[1] if value else said


def _kind(thing: Exchange | Queue) -> Literal["exchange", "queue"]:
    return "exchange" if isinstance(thing, Exchange) else "queue"


@asynccontextmanager
async def _wire(url: str, seconds: float) -> AsyncIterator[Wire]:
    wire = await Wire.open(url, name="deliveryd:topology", heartbeat=10, seconds=seconds)
    try:
        yield wire
    finally:
        await wire.close()
