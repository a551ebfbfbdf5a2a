"""What one life is made of: writers, teller, intake and dispatch, wired and stopped in order."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from daemon import config as configs
from daemon import logs, watch
from daemon.broker import topology
from daemon.broker.connection import Link
from daemon.broker.parcel import Outgoing
from daemon.broker.publisher import BatchPublisher
from daemon.config import sections, tables
from daemon.delivery.courier import Courier
from daemon.delivery.file import FileCourier
from daemon.delivery.relay import Relay, Timeouts
from daemon.delivery.smtp import SmtpCourier
from daemon.dispatch import lane as lanes_at_work
from daemon.dispatch import retention, upkeep
from daemon.dispatch.claimer import Pace
from daemon.dispatch.journal import Journal
from daemon.dispatch.lease import Lease
from daemon.dispatch.overdue import Overdue
from daemon.dispatch.part import Dispatch, Equipment
from daemon.dispatch.press import Press
from daemon.dispatch.settler import Settler
from daemon.dispatch.witness import JournalWitness
from daemon.intake import part
from daemon.intake.express import Express
from daemon.intake.part import Intake
from daemon.ledger.teller import Teller
from daemon.ledger.writer import Writer
from daemon.mail.retry import Schedule
from daemon.stop import Stop
from daemon.store import door, lanes, notices
from daemon.store import upkeep as piles
from daemon.tasks import Group
from daemon.watch import Cause
from daemon.web.health import Health

_LAST_WORDS = 2.0
"""Seconds that committed events have at least, at a stop, to be told."""
_RESCUES = 4
"""Looks for the dead in one lease."""

_log = logs.get("engine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What this instance has in hand."""

    flying: int = 0
    """Attempts under way."""
    waiting: int = 0
    """Claimed deliveries that haven't started."""
    untold: int = 0
    """Committed events that aren't told yet."""


@dataclass(slots=True, kw_only=True)
class House:
    """What lives longer than one life: connections, and whom to tell how we are."""

    loaded: configs.Loaded
    """Replaced as a whole by a reload; what may change without a restart is read from here anew."""
    store: door.Store
    reach: door.Reach
    inbound: Link
    outbound: Link
    publisher: BatchPublisher
    """Tells events and buries the dead. It outlives a life: a broker in alarm hears of no close."""
    answerer: BatchPublisher
    """Publishes nothing but answers, any of which may cost it its channel."""
    health: Health
    name: str
    key: bytes = b""
    """Keys the hashes of bodies and tokens; known once the database was there."""
    fingerprint: str = ""
    """Tells this database from every other; known as the key is."""
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first life has its parts at work."""
    followers: list[Callable[[configs.Config], None]] = field(default_factory=list)
    """Who takes over a reloaded configuration."""
    numbers: Callable[[], Numbers] = Numbers
    leaves: str = ""
    """Why the process is about to end; empty = it isn't."""
    remark: str = ""
    """What a person should know besides, in one line."""
    guards: list[asyncio.TimerHandle] = field(default_factory=list)
    """What ends the process, should its stop hang."""
    answers: deque[Outgoing] = field(default_factory=deque)
    """Answers to requests that the broker hasn't taken yet."""
    left: int = 0
    """Outcomes that were not stored when the last life ended."""


async def run(house: House, lease: Lease, only: frozenset[str], over: Stop) -> None:
    """Everything one instance does, until `over` is set and all is in order."""
    settings = house.loaded.config
    key = house.key
    teller = Teller(
        house.store,
        house.publisher,
        instance=lease.instance,
        exchange=topology.names(settings.rabbitmq.prefix).events,
        pace=settings.events,
    )
    settling = Writer(house.store, teller, instance=lease.instance, kind="settle")
    journal = Journal(settings.instance.state_dir, lease.instance, database=house.fingerprint)
    dispatch = _dispatch(house, lease, teller, settling, key=key, journal=journal)
    express = dispatch.express if "dispatch" in only else None
    intake = _intake(house, lease, teller, key=key, express=express)
    house.numbers = lambda: Numbers(
        flying=dispatch.flying, waiting=dispatch.holding - dispatch.flying, untold=teller.untold
    )
    parts = _Parts(
        intake=intake if "intake" in only else None,
        dispatch=dispatch if "dispatch" in only else None,
    )
    async with Group(over=over.set) as group:
        telling = group.forever(teller.run(), name="ledger.teller")
        beside = [
            group.forever(one, name=name)
            for name, one in _beside(house, teller, parts, dispatch.claimer.wake).items()
        ]
        beside.append(group.forever(journal.run(), name="journal"))
        # a task of its own: if one of them fails, the rest of the stop goes on all the same
        await asyncio.wait([group.create_task(_run(house, lease, over, parts), name="parts")])
        house.left = dispatch.unsettled
        await settling.close()
        journal.close(unsettled=house.left)
        if not telling.done() and not lease.lost.is_set():  # else whoever adopts the streams tells
            await _told(teller, over.left(least=_LAST_WORDS))
        for task in (telling, *beside):
            task.cancel()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """Those that this instance runs."""

    intake: Intake | None
    dispatch: Dispatch | None

    def weigh(self, piled: piles.Piled) -> None:
        """Tells them how much has piled up in the whole system."""
        if self.intake:
            self.intake.weigh(piled.waiting)
        if self.dispatch:
            self.dispatch.claimer.weigh(piled.untold)


def _beside(
    house: House, teller: Teller, parts: _Parts, wake: Callable[[], None]
) -> dict[str, Coroutine[Any, Any, None]]:
    """What runs beside the parts, from before their start until after their end."""
    store, names = house.store, topology.names(house.loaded.config.rabbitmq.prefix)
    causes = list(_causes(house, teller, parts))
    return {
        "watch.parts": watch.parts(house.health, causes),
        "watch.depths": watch.depths(house.health, house.inbound, names),
        "upkeep.ceilings": upkeep.ceilings(store, parts.weigh),
        "upkeep.frozen": upkeep.frozen(store),
        "upkeep.gauges": upkeep.gauges(store),
        "upkeep.house": upkeep.house(store),
        "upkeep.retention": retention.run(store, lambda: house.loaded.config.retention),
        "notices": notices.listen(house.reach, notices.DUE, wake),
    }


async def _run(house: House, lease: Lease, over: Stop, parts: _Parts) -> None:
    """Intake stops first, dispatch when nothing more is accepted."""
    intake, dispatch = parts.intake, parts.dispatch
    accepted = Stop(house.loaded.config.instance.stop_deadline)
    async with Group(over=over.set) as group:
        if dispatch:
            group.create_task(dispatch.run(accepted), name="dispatch")
        taking = group.create_task(intake.run(over), name="intake") if intake else None
        house.followers = [one.reload for one in (intake, dispatch) if one]
        house.health.report("life", ok=True)
        house.begun.set()
        await over.wait()
        _log.info("stopping", why=over.why, in_flight=house.numbers().flying)
        lease.draining = True
        if not lease.lost.is_set():  # else only this life ends, and `life` says so
            house.health.drain()
        if dispatch:
            dispatch.claimer.stand_down()
        if taking:
            await _ended(taking, over.left() / 2)  # the rest is for what is on its way to a relay
        accepted.set(over.deadline)


async def _ended(taking: asyncio.Task[None], seconds: float) -> None:
    """Waits for intake; what it can't finish in time the broker hands out again."""
    _, late = await asyncio.wait([taking], timeout=seconds)
    if late:
        _log.warning("stop.intake_cut")
        taking.cancel()
        await asyncio.wait([taking])


def _intake(
    house: House, lease: Lease, teller: Teller, *, key: bytes, express: Express | None
) -> Intake:
    return Intake(
        part.Equipment(
            store=house.store,
            inbound=house.inbound,
            publisher=house.publisher,
            answers=house.answerer,
            audience=teller,
            instance=lease.instance,
            config=house.loaded.config,
            key=key,
            express=express,
            kept=house.answers,
        )
    )


def _dispatch(
    house: House, lease: Lease, teller: Teller, writer: Writer, *, key: bytes, journal: Journal
) -> Dispatch:
    settings = house.loaded.config
    shares = settings.dispatch.shares
    return Dispatch(
        Equipment(
            store=house.store,
            lease=lease,
            journal=journal,
            settler=Settler(
                writer,
                schedule=lambda: schedule_of(house.loaded.config.retry),
                sample=lambda: house.loaded.config.log.delivery_sample,
            ),
            overdue=Overdue(writer, after=lambda: house.loaded.config.doubt.after),
            teller=teller,
            press=Press(key=key),
            courier=_couriers(house, lease, journal),
            settings=lanes_at_work.Settings(
                idle=settings.delivery.idle,
                permit_size=settings.dispatch.permit_size,
                permit_window=settings.dispatch.permit_window,
                shares={0: shares.urgent, 1: shares.normal, 2: shares.bulk},
            ),
            pace=Pace(
                poll=settings.dispatch.poll,
                hold=settings.dispatch.hold,
                max_untold=settings.events.max_untold,
            ),
            connections=settings.delivery.connections,
            rescue_every=settings.instance.lease / _RESCUES,
        )
    )


def schedule_of(retry: sections.Retry) -> Schedule:
    """The retry schedule as configured."""
    return Schedule(
        first=retry.first,
        factor=retry.factor,
        cap=retry.cap,
        jitter=retry.jitter,
        hint_min=retry.hint_min,
        hint_max=retry.hint_max,
    )


def _couriers(
    house: House, lease: Lease, journal: Journal
) -> Callable[[lanes.Lane], Courier | None]:
    """Which courier serves a lane: the only place that chooses one."""

    def courier(lane: lanes.Lane) -> Courier | None:
        settings = house.loaded.config
        known = {transport.id: transport for transport in settings.transport}
        if settings.delivery.mode == "file" and settings.delivery.folder is not None:
            folder = settings.delivery.folder
            return FileCourier(folder, JournalWitness(lease, journal, relay=f"file:{folder}"))
        transport = known.get(lane.transport_id)
        if transport is None:
            return None  # another instance was given it, and we weren't yet
        relay = relay_of(settings.delivery, transport, host=lane.host, port=lane.port)
        return SmtpCourier(relay, JournalWitness(lease, journal, relay=relay.label))

    return courier


def relay_of(
    delivery: sections.Delivery, transport: tables.Transport, *, host: str, port: int
) -> Relay:
    """The relay of a transport; where it is, its lane knows from the database."""
    return Relay(
        host=host,
        port=port,
        tls=transport.tls,
        verify=transport.verify,
        username=transport.username,
        password=transport.password.reveal(),
        local_hostname=delivery.hostname,
        messages_per_connection=transport.messages_per_connection,
        timeouts=Timeouts(**delivery.timeouts.model_dump()),
    )


def _causes(house: House, teller: Teller, parts: _Parts) -> Iterator[Cause]:
    """What health is told of us, and whether an instance is of no use without it."""
    inbound, outbound = house.inbound, house.outbound
    yield Cause(name="events", why=lambda: _by_way_of(outbound, _why_untold(outbound, teller)))
    if intake := parts.intake:
        yield Cause(name="intake", why=lambda: _by_way_of(inbound, intake.why_down), vital=True)
        yield Cause(name="backlog", why=lambda: intake.why_resting)
        yield Cause(name="audiences", why=lambda: intake.why_troubled)
        yield Cause(name="dead letters", why=lambda: _by_way_of(outbound, intake.why_unburied))
    if dispatch := parts.dispatch:
        yield Cause(name="dispatch", why=lambda: dispatch.claimer.why_resting)
        for name in dispatch.brake.reasons:
            yield Cause(name=name, why=partial(dispatch.brake.why, name), vital=True)
        yield Cause(name="transport", why=dispatch.unserved)
        yield Cause(name="relay", why=dispatch.ailing)


def _by_way_of(link: Link, why: str) -> str:
    """Why a part waits; what is wrong with a broker that is away, its own check says, and once."""
    return "waits for rabbitmq" if why and not link.is_up else why


def _why_untold(link: Link, teller: Teller) -> str:
    return f"blocked: {link.blocked}" if link.blocked else teller.why_waiting


async def _told(teller: Teller, seconds: float) -> None:
    """Waits until what is committed is told, but no longer than so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await teller.drained()
    except TimeoutError:
        _log.warning("stop.untold", untold=teller.untold)
