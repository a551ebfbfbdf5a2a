"""The second run, which nobody times: the sink dumps every mail, and the checker reads them all.

Counting alone would not notice that one recipient got two mails and another none.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiormq.abc import DeliveredMessage

from tests.bench import dumps, letter, relay, stand
from tests.bench.race import STALLED, Tell
from tests.bench.rounds import Order
from tests.bench.stand import Stand
from tests.checker import books, verdict
from tests.checker.evidence import Event, Evidence, Request

MOST = 5_000
"""Recipients at most; fewer where the timed run has fewer."""
_GLANCE = 0.1


async def flaws(order: Order) -> list[str]:
    """Everything that is wrong with such a run; says what it has read."""
    recipients = min(order.size.recipients, MOST)
    async with (
        relay.sink(order.folder, dumps.flags) as sink,
        stand.opened(order.servers, sink, order.folder) as stood,
    ):
        with order.bars.stage("proof", recipients) as tell:
            asked = [*order.case.bodies(recipients)]
            await stood.serve(order.size.processes)
            meant = await order.case.peopled(stood, recipients)
            published = await _published(stood, asked, meant)
            await _all_told(stood, recipients, tell)
            evidence = await _evidence(stood, published)
        order.bars.say(_summary(evidence))
        return [*verdict.of(evidence).flaws, *exact(evidence)]


async def _published(
    stood: Stand, asked: Sequence[Mapping[str, Any]], meant: Sequence[Mapping[str, Any]]
) -> list[Request]:
    await stood.post.publish([letter.encoded(body) for body in asked])
    now = time.time()
    return [
        Request(
            body=body, message_id=None, kind=None, confirmed=now, wants_answer=False,
            answer=None, answered=None, meant=meant,
        )
        for body in asked
    ]  # fmt: skip


async def _all_told(stood: Stand, recipients: int, tell: Tell) -> None:
    """Returns once there is nothing left to be done, or nothing happens any more."""
    before, since = -1, time.monotonic()
    while (stored := stood.sink.stored) < recipients or await stood.is_open():
        if stored != before:
            before, since = stored, time.monotonic()
        tell(stored)
        if time.monotonic() - since > STALLED:
            return
        await asyncio.sleep(_GLANCE)


async def _evidence(stood: Stand, requests: Sequence[Request]) -> Evidence:
    _, audit = await stood.typed("audit")
    await stood.daemon.stop()
    events: list[Event] = []
    await stood.post.drain(
        await stood.post.depth(stood.post.events), lambda message: events.append(_event(message))
    )
    found = replace(await books.read(stood.dsn), audit=audit)
    return Evidence(
        requests=requests,
        copies=dumps.copies(stood.sink.dumps),
        events=events,
        dead=[],
        books=found,
    )


def _event(message: DeliveredMessage) -> Event:
    said = message.header.properties
    return Event(
        document=json.loads(message.body),
        routing_key=message.routing_key or "",
        message_id=said.message_id,
        content_type=said.content_type,
        received=time.time(),
    )


def exact(evidence: Evidence) -> list[str]:
    """What the laws leave open, since elsewhere a mail may come twice: here none does."""
    mails = Counter(copy.message_id for copy in evidence.copies)
    told = Counter(event.id for event in evidence.events)
    booked = {entry.id for entry in evidence.books.entries}
    found = {
        "Message-IDs came twice": [one for one, times in mails.items() if times > 1],
        "deliveries have no mail": _without_mail(evidence),
        "events came twice": [one for one, times in told.items() if times > 1],
        "events are told or booked only": [*(booked ^ told.keys())],
    }
    return [f"{len(ids)} {what}: {ids[:5]}" for what, ids in found.items() if ids]


def _without_mail(evidence: Evidence) -> list[int]:
    mailed = {copy.delivery for copy in evidence.copies}
    return [one.id for one in evidence.books.deliveries if one.id not in mailed]


def _summary(evidence: Evidence) -> str:
    mails = len({copy.message_id for copy in evidence.copies})
    return f"{mails:,} different mails and {len(evidence.events):,} events were read"
