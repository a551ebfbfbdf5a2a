"""`deliveryd trace`: what happened, what it waits for, and when it is next looked at.

Promise 7: every wait has a reason that can be asked for.
"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from cyclopts import Parameter

from daemon.cli import configured, doors, names, ranges, relays, telling, words
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.reason import Scene
from daemon.cli.screen import Screen
from daemon.cli.telling import Told
from daemon.mail.event import Type
from daemon.store import door, framing, happened, operator
from daemon.store.happened import Happened

if TYPE_CHECKING:
    from daemon.config import Config

_MOST = 20
"""Deliveries and jobs shown of one address."""


async def trace(
    name: Annotated[
        str,
        Parameter(
            help="An address, a delivery's number, a job's id, ticket or request id,"
            " or an event's id."
        ),
    ],
    /,
    *,
    days: Annotated[
        int,
        Parameter(
            help="How far back an address, or a refused request, is looked for.",
            validator=ranges.DAYS,
        ),
    ] = 7,
    options: Options = DEFAULT,
) -> int:
    """Tell the whole story of a delivery, a job or an address.

    Everything on record and whether the world was told; where it stands, what it waits for and
    until when.
    """
    settings = configured.settings(options)
    async with doors.postgres(settings) as store:
        if "@" in name:
            told = await _addressed(store, settings, name, days)
        else:
            told = await _named(store, settings, name, days)
    Screen(options).show(told.document, told.view)
    return Exit.FAILED if told.is_empty else Exit.OK


async def _named(store: door.Store, settings: "Config", name: str, days: int) -> Told:
    """By whichever of our names this is."""
    number = names.as_number(name)
    if number is not None and await operator.find_by_delivery(store, number):
        return await _delivery(store, settings, number)
    uuid = names.as_uuid(name)
    found = await operator.find(store, job=uuid, name=name)
    if len(found) == 1 or (uuid is not None and found):
        return await _job(store, found[0].job)
    if uuid is not None and (event := await happened.event(store, uuid)):
        return await _event(store, settings, event)
    if not found and (early := await framing.early(store, name)):
        return telling.of_early(name, early)
    since = datetime.now(UTC) - timedelta(days=days)
    if not found and (refused := await happened.refusal(store, name, since=since)):
        return telling.of_refusal(refused)
    return await _job(store, (await names.job(store, name, or_delivery=True)).job)


async def _event(store: door.Store, settings: "Config", event: Happened) -> Told:
    if event.delivery_id is not None:
        return await _delivery(store, settings, event.delivery_id)
    if event.job_id is not None:
        return await _job(store, event.job_id)
    if event.type == Type.REQUEST_REJECTED:
        return telling.of_refusal(event)
    raise Ended(f"that event is about no job: {event.type}, at {words.moment(event.at)}")


async def _job(store: door.Store, number: UUID) -> Told:
    job = await operator.job(store, number)
    if job is None:
        raise Ended(f"job {number} is gone")
    lane = await operator.lane(store, job.lane_id)
    waits = await operator.still_open(store, number, limit=_MOST)
    fails = await relays.failing(store, job)
    facts = await operator.job_story(store, number)
    return telling.of_job(job, lane, waits, facts, relay_fails=fails)


async def _delivery(store: door.Store, settings: "Config", number: int) -> Told:
    delivery = await operator.delivery(store, number)
    job = None if delivery is None else await operator.job(store, delivery.job_id)
    if delivery is None or job is None:
        raise Ended(f"delivery {number} is gone")
    scene = await _scene(store, settings, delivery, job)
    facts = await operator.job_story(store, job.id), await operator.story(store, number)
    return telling.of_delivery(scene, *facts)


async def _scene(
    store: door.Store, settings: "Config", delivery: operator.Delivery, job: operator.Job
) -> Scene:
    """Everything that it may wait for."""
    ahead = 0
    if delivery.rank is not None and not delivery.is_claimed:
        ahead = await operator.ahead(
            store, lane=delivery.lane_id, klass=delivery.klass, rank=delivery.rank
        )
    return Scene(
        delivery=delivery,
        job=job,
        lane=await operator.lane(store, delivery.lane_id),
        ahead=ahead,
        doubt_since=await operator.doubt_since(store, delivery.id),
        doubt_after=settings.doubt.after,
        relay_fails=await relays.failing(store, job),
    )


async def _addressed(store: door.Store, settings: "Config", text: str, days: int) -> Told:
    """All that is known of an address; of its latest delivery the whole story."""
    from daemon.mail import address  # noqa: PLC0415 - email_validator: only addresses need it

    found = address.check(text, allow_utf8=True, need_dot=False)
    if isinstance(found, address.Invalid):
        raise Ended(f"{text} is no address: {found.reason}", Exit.USAGE)
    since = (datetime.now(UTC) - timedelta(days=days)).date()
    deliveries = await operator.addressed(store, found.norm, since=since, limit=_MOST)
    left = await operator.left_out(store, found.address, since=since, limit=_MOST)
    held = await operator.suppressions(store, found.supp, limit=_MOST)
    one = await _delivery(store, settings, deliveries[0].id) if deliveries else None
    return telling.of_address(found.address, deliveries, left, held, one=one, days=days)
