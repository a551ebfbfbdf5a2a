"""A dry run explained: how many by which term, who some of them are, why somebody is in or out.

Everything is read from the transaction of the dry run, in which the audience was expanded as it
would be; so an explanation can't differ from what would happen.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from daemon.intake.entry import Entry
from daemon.mail import address
from daemon.mail.request.send import Explain
from daemon.store import door, explaining
from daemon.store.explaining import Road


async def explained(session: door.Session, entry: Entry, wish: Explain) -> dict[str, Any]:
    """What the answer says about the audience of a send that is stored, for now."""
    job, acting = entry.job.id, entry.job.acting_id or entry.job.customer_id
    found = await explaining.terms(session, job)
    document: dict[str, Any] = {"terms": _terms(entry, found)}
    road = await explaining.road(session, job)
    if road is not None:
        document["lane"] = _lane(road, entry.numbers.get("queued", 0))
    if wish.address is not None:
        document["address"] = [
            {"outcome": outcome, "path": path, "branch": await _branch(session, acting, path)}
            for outcome, path in await explaining.ways(session, job, _norm(wish.address))
        ]
    if wish.sample:
        some = await explaining.sample(session, job, wish.sample)
        document["sample"] = [{"address": to, "path": path} for to, path in some]
    return document


def _terms(entry: Entry, found: Mapping[int, Mapping[str, int]]) -> list[dict[str, Any]]:
    return [
        {
            "term": number,
            "type": term.type,
            "requested": sum(found.get(number, {}).values()),
            **found.get(number, {}),
        }
        for number, term in enumerate(entry.send.audience)
    ]


def _lane(road: Road, queued: int) -> dict[str, Any]:
    """When it could be done at the earliest, by its lane's rate and what stands before it."""
    seconds = (road.ahead + queued) / road.max_per_second if road.max_per_second else None
    ends = None if seconds is None else road.not_before + timedelta(seconds=seconds)
    return {
        "transport": road.transport,
        "name": road.name,
        "connections": road.max_connections,
        "per_second": road.max_per_second or None,
        "not_before": road.not_before,
        "ahead": road.ahead,
        "done_at_the_earliest": ends,
        "in_time": None if ends is None else ends < road.expires_at,
    }


async def _branch(session: door.Session, acting: int, path: Mapping[str, Any]) -> list[Any]:
    """The customers from the one in whose name down to the one who has him."""
    customer = path.get("customer")
    return [] if customer is None else await explaining.branch(session, acting, customer)


def _norm(given: str) -> str:
    found = address.check(given, allow_utf8=True, need_dot=False)
    return given if isinstance(found, address.Invalid) else found.norm
