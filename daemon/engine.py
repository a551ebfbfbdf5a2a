"""What one life is made of: writers, teller, intake and dispatch, wired and stopped in order."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from daemon import config as configs
from daemon import logs, metrics
from daemon.broker import depth, topology
from daemon.broker.connection import Link
from daemon.broker.publisher import BatchPublisher
from daemon.config import sections
from daemon.delivery.courier import Courier
from daemon.delivery.file import FileCourier
from daemon.delivery.relay import Relay, Timeouts
from daemon.delivery.smtp import SmtpCourier
from daemon.dispatch import lane as lanes_at_work
from daemon.dispatch import upkeep
from daemon.dispatch.claimer import Pace
from daemon.dispatch.journal import Journal
from daemon.dispatch.lease import Lease
from daemon.dispatch.overdue import Overdue
from daemon.dispatch.part import Dispatch, Equipment
from daemon.dispatch.press import Press
from daemon.dispatch.settler import Settler
from daemon.dispatch.witness import JournalWitness
from daemon.intake import part
from daemon.intake.part import Intake
from daemon.ledger.teller import Teller
from daemon.ledger.writer import Writer
from daemon.mail.retry import Schedule
from daemon.store import door, instances, lanes, notices
from daemon.tasks import Group
from daemon.web.health import Health

_RESCUES = 4
"""Looks for the dead in one lease."""
_HEALTH_EVERY = 1.0
_DEPTHS_EVERY = 10.0
_WARN_EVERY = 3600.0

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
    remark: str = ""
    """What a person should know besides, in one line."""
    left: int = 0
    """Outcomes that were not stored when the last life ended."""


async def run(house: House, lease: Lease, only: frozenset[str], over: asyncio.Event) -> None:
    """Everything one instance does, until `over` is set and all is in order."""
    settings = house.loaded.config
    key = house.key
    publisher = BatchPublisher(house.outbound)
    teller = Teller(
        house.store,
        publisher,
        instance=lease.instance,
        exchange=topology.names(settings.rabbitmq.prefix).events,
        pace=settings.events,
    )
    settling = Writer(house.store, teller, instance=lease.instance, kind="settle")
    journal = Journal(settings.instance.state_dir, lease.instance, database=house.fingerprint)
    dispatch = _dispatch(house, lease, teller, settling, key=key, journal=journal)
    intake = _intake(house, lease, teller, publisher, key=key)
    house.numbers = lambda: Numbers(
        flying=dispatch.flying, waiting=dispatch.holding - dispatch.flying, untold=teller.untold
    )
    async with Group(over=over.set) as group:
        telling = group.forever(teller.run(), name="ledger.teller")
        beside = [
            group.forever(journal.run(), name="journal"),
            group.forever(_brakes(house, dispatch), name="brake"),
            group.forever(_depths(house), name="depths"),
            group.forever(upkeep.gauges(house.store), name="upkeep.gauges"),
            group.forever(upkeep.house(house.store), name="upkeep.house"),
            group.forever(
                notices.listen(house.reach, notices.DUE, dispatch.claimer.wake), name="notices"
            ),
        ]
        parts = _parts(
            house,
            lease,
            over,
            intake=intake if "intake" in only else None,
            dispatch=dispatch if "dispatch" in only else None,
        )
        # a task of its own: if one of them fails, the rest of the stop goes on all the same
        await asyncio.wait([group.create_task(parts, name="parts")])
        house.left = dispatch.unsettled
        await settling.close()
        journal.close()
        if not telling.done():
            await _told(teller, settings.instance.stop_deadline)
        for task in (telling, *beside):
            task.cancel()
    await publisher.aclose()


async def _parts(
    house: House,
    lease: Lease,
    over: asyncio.Event,
    *,
    intake: Intake | None,
    dispatch: Dispatch | None,
) -> None:
    """Intake stops first, dispatch when nothing more is accepted."""
    accepted = asyncio.Event()
    house.health.is_draining = False  # the life before may have ended with its lease, not by a stop
    async with Group(over=over.set) as group:
        if dispatch:
            group.create_task(dispatch.run(accepted), name="dispatch")
        taking = group.create_task(intake.run(over), name="intake") if intake else None
        house.followers = [one.reload for one in (intake, dispatch) if one]
        house.health.report("life", ok=True)
        house.begun.set()
        await over.wait()
        lease.draining = True
        house.health.drain()
        if taking:
            await _ended(taking, house.loaded.config.instance.stop_deadline)
        accepted.set()


async def _ended(taking: asyncio.Task[None], deadline: float) -> None:
    """Waits for intake; what it can't finish in time the broker hands out again."""
    _, late = await asyncio.wait([taking], timeout=deadline)
    if late:
        _log.warning("stop.intake_cut")
        taking.cancel()
        await asyncio.wait([taking])


def _intake(
    house: House, lease: Lease, teller: Teller, publisher: BatchPublisher, *, key: bytes
) -> Intake:
    return Intake(
        part.Equipment(
            store=house.store,
            inbound=house.inbound,
            publisher=publisher,
            audience=teller,
            instance=lease.instance,
            config=house.loaded.config,
            key=key,
        )
    )


async def hash_key(store: door.Store, settings: configs.Config) -> bytes:
    """What keys the hashes of bodies and tokens: the configured one, else the database's own."""
    configured = settings.intake.hash_key.reveal()
    return configured.encode() if configured else await instances.hash_key(store)


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
            pace=Pace(poll=settings.dispatch.poll, hold=settings.dispatch.hold),
            connections=settings.delivery.connections,
            rescue_every=settings.instance.lease / _RESCUES,
            stop_deadline=settings.instance.stop_deadline,
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
        relay = Relay(
            host=lane.host,
            port=lane.port,
            tls=transport.tls,
            verify=transport.verify,
            username=transport.username,
            password=transport.password.reveal(),
            local_hostname=settings.delivery.hostname,
            messages_per_connection=transport.messages_per_connection,
            timeouts=Timeouts(**settings.delivery.timeouts.model_dump()),
        )
        return SmtpCourier(relay, JournalWitness(lease, journal, relay=relay.label))

    return courier


async def _brakes(house: House, dispatch: Dispatch) -> None:
    """Tells health of our own brake, for ever."""
    while True:
        for cause, reason in dispatch.brake.reasons.items():
            house.health.report(cause, ok=not reason, reason=reason)
        await asyncio.sleep(_HEALTH_EVERY)


async def watch(house: House) -> None:
    """Tells health what can be seen of the two servers, for ever."""
    while True:
        why = "" if house.inbound.is_up else house.inbound.why_down
        why = why or (house.outbound.why_down if not house.outbound.is_up else "")
        why = why or (f"blocked: {house.outbound.blocked}" if house.outbound.blocked else "")
        house.health.report("rabbitmq", ok=not why, reason=why)
        await _ask(house.store, house.health.report)
        await asyncio.sleep(_HEALTH_EVERY)


async def _depths(house: House) -> None:
    """Looks now and then at the two queues that want a person, for ever."""
    name = topology.names(house.loaded.config.rabbitmq.prefix)
    seldom = logs.Seldom(_WARN_EVERY)
    while True:
        for queue, gauge in ((name.unrouted, metrics.unrouted), (name.dead, metrics.dead_letters)):
            found = await depth.read(house.outbound, queue)
            if isinstance(found, depth.Depth):
                gauge.set(found.waiting)
                if found.waiting and seldom.ask(queue) is not None:
                    _log.warning("queue.filled", queue=queue, waiting=found.waiting)
        await asyncio.sleep(_DEPTHS_EVERY)


async def _ask(store: door.Store, report: Callable[..., None]) -> None:
    try:
        async with asyncio.timeout(_HEALTH_EVERY * 2):
            await store.value("clock.now")
    except TimeoutError:
        report("postgres", ok=False, reason="no answer in time")
    except Exception as error:  # noqa: BLE001  whatever it is, it is what we report
        report("postgres", ok=False, reason=str(error) or type(error).__name__)
    else:
        # it answers, but may refuse every write
        report("postgres", ok=not store.refusal, reason=store.refusal)


async def _told(teller: Teller, deadline: float) -> None:
    """Waits until what is committed is told, but no longer than the deadline."""
    try:
        async with asyncio.timeout(deadline):
            await teller.drained()
    except TimeoutError:
        _log.warning("stop.untold", untold=teller.untold)
