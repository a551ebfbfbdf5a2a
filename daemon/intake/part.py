"""Intake as one part: a desk for each queue, and what both share."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random, SystemRandom
from uuid import UUID

from daemon.broker import topology
from daemon.broker.connection import Link
from daemon.broker.consumer import Consumer
from daemon.broker.parcel import Outgoing
from daemon.broker.publisher import BatchPublisher
from daemon.config import Config
from daemon.directory.principals import Principals
from daemon.intake import desk, reading
from daemon.intake.ask import Terms
from daemon.intake.asker import Asker
from daemon.intake.carry import Means
from daemon.intake.desk import Desk
from daemon.intake.early import Early
from daemon.intake.expander import Expander
from daemon.intake.express import Express
from daemon.intake.owing import Owing
from daemon.intake.post import Post
from daemon.intake.reading import Reader
from daemon.intake.replaying import Replays
from daemon.intake.rest import Rest
from daemon.intake.sweep import Sweep
from daemon.intake.unkeyed import Unkeyed
from daemon.intake.writers import Writers
from daemon.ledger.replay import Replayer
from daemon.ledger.writer import Audience, Writer
from daemon.mail.ceiling import Ceiling
from daemon.store import door
from daemon.tasks import Group

_FOR_URGENT = 2
"""Transactions of urgent requests at once, whatever else is accepted."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What intake works with."""

    store: door.Store
    inbound: Link
    """Parcels come over it, and nothing is published there: a blocked publisher blocks no ack."""
    publisher: BatchPublisher
    answers: BatchPublisher
    """For nothing but answers, see `post`."""
    audience: Audience
    """Who tells what our writers commit."""
    instance: UUID
    config: Config
    key: bytes
    """Keys the hashes of bodies and tokens."""
    express: Express | None = None
    """Takes what it can right from its accept; None = another instance delivers."""
    kept: deque[Outgoing] = field(default_factory=deque)
    """Answers that still have to leave, of the life before as well."""
    clock: Callable[[], datetime] = _now
    chance: Random = field(default_factory=SystemRandom)


class Intake:
    """The part. `run` ends after `stop` is set and nothing is half done."""

    def __init__(self, equipment: Equipment) -> None:
        config = equipment.config
        self._names = topology.names(config.rabbitmq.prefix)
        self._equipment = equipment
        self._principals = Principals(equipment.store, key=equipment.key)
        self._asker = Asker(principals=self._principals, settings=config.intake)
        self._reader = Reader(
            asker=self._asker,
            rules=reading.rules(config),
            key=equipment.key,
            urgent=self._names.urgent,
            instance=equipment.instance,
        )
        self._post = Post(
            equipment.publisher,
            equipment.answers,
            equipment.kept,
            Owing(equipment.store, equipment.instance),
            dead=self._names.dead,
            seconds=config.rabbitmq.publish_timeout,
        )
        self._means = self._made_means(equipment)
        # nobody who is urgent waits for a group of a hundred others to be accepted
        self._pressing = replace(self._means, writers=self._writers(_FOR_URGENT))
        self._expander = Expander(
            self._means,
            self._writer("expand"),
            self._reader,
            self._post,
            memory=config.intake.expand_memory,
        )
        self._early = Early(means=self._means, reader=self._reader, post=self._post)
        most = config.intake.max_waiting
        self._desks = {
            self._names.normal: self._desk("normal", self._means, Ceiling(most)),
            self._names.urgent: self._desk("urgent", self._pressing, Ceiling.urgent(most)),
        }

    def _made_means(self, equipment: Equipment) -> Means:
        config, store = equipment.config, equipment.store
        replayer = Replayer(
            store,
            equipment.publisher,
            exchange=self._names.events,
            source=config.events.source,
            page=config.events.replay_batch,
            seconds=config.events.confirm_timeout,
        )
        terms = Terms(
            key_lifetime=config.intake.key_lifetime,
            open_timeout=config.intake.open_timeout,
            permit_window=config.dispatch.permit_window,
            message_domain=config.delivery.message_domain or config.delivery.hostname,
            inline_limit=config.intake.inline_limit,
            expand_timeout=config.intake.expand_timeout,
        )
        return Means(
            store=store,
            writers=self._writers(config.intake.writers),
            replays=Replays(store, replayer),
            terms=terms,
            chance=equipment.chance,
            express=equipment.express,
        )

    def _writers(self, number: int) -> Writers:
        return Writers([self._writer("accept") for _ in range(number)])

    def _writer(self, kind: str) -> Writer:
        one = self._equipment
        return Writer(one.store, one.audience, instance=one.instance, kind=kind)

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop`; then what was taken is finished and the streams are ended."""
        clock = self._equipment.clock
        sweep = Sweep(self._means, self._early, self._post, self._expander, clock=clock)
        async with Group(over=stop.set) as tasks:
            beside = [
                tasks.forever(sweep.run(), name="intake.sweep"),
                tasks.forever(self._post.run(), name="intake.answers"),
                tasks.forever(self._means.replays.run(), name="intake.replays"),
                tasks.forever(self._expander.run(), name="intake.expander"),
            ]
            desks = [
                tasks.create_task(one.run(stop), name=f"intake.{one.name}")
                for one in self._desks.values()
            ]
            await asyncio.wait(desks)
            for task in beside:
                task.cancel()
        await self._means.writers.close()
        await self._pressing.writers.close()
        await self._expander.close()

    def weigh(self, waiting: int) -> None:
        """Takes no more while so many deliveries wait; what is urgent may come a little longer."""
        for one in self._desks.values():
            one.rest.weigh(waiting)

    @property
    def why_down(self) -> str:
        """Which queue no parcels can come from, and why; empty while they can."""
        down = {queue: one.why_down for queue, one in self._desks.items()}
        return "; ".join(f"{queue}: {why}" for queue, why in down.items() if why)

    @property
    def why_unburied(self) -> str:
        """Why dead parcels stay with us, or empty."""
        return self._post.why_unburied

    @property
    def why_troubled(self) -> str:
        """Which audience nobody could find so far, and why, or empty."""
        return self._expander.why_troubled

    @property
    def why_resting(self) -> str:
        """Why parcels are left where they are, or empty."""
        return next((one.rest.why for one in self._desks.values() if one.rest.why), "")

    def reload(self, config: Config) -> None:
        """Takes over what may change while we run; the directory was loaded anew before."""
        self._asker.settings = config.intake
        self._reader.rules = reading.rules(config)
        self._principals.forget()
        for one in self._desks.values():
            one.reload(config.intake.max_parcel)

    def _desk(self, name: str, means: Means, ceiling: Ceiling) -> Desk:
        one, config = self._equipment, self._equipment.config.intake
        queue = {"normal": self._names.normal, "urgent": self._names.urgent}[name]
        consumer = Consumer(one.inbound, queue, prefetch=config.prefetch, limit=config.max_parcel)
        return Desk(
            name,
            consumer,
            Unkeyed(one.store, consumer),
            Rest(name, consumer, ceiling),
            desk.Equipment(
                means=means,
                reader=self._reader,
                post=self._post,
                early=self._early,
                clock=one.clock,
                workers=config.writers,
                group=config.group,
                inline=config.inline_limit,
            ),
        )
