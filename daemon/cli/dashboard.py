"""`deliveryd top` on the screen: one look as a document, and as what a person sees. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from daemon.cli import story, words
from daemon.cli.blocks import Block, Facts, Table, Tone, Toned
from daemon.cli.watching import Seen
from daemon.delivery.courier import OF_THE_RELAY
from daemon.mail.event import Type
from daemon.store.live import DEPTH, Class, Lane, Trouble
from daemon.store.operator import Instance

CLASSES = ("urgent", "normal", "bulk")
_BUSY = 0.05
"""Seconds of a rate that may be spent without anybody waiting for it."""
_LATELY = timedelta(minutes=2)
"""How long a relay's trouble explains that nothing goes there."""
_RATES = {
    "sent": (Type.DELIVERY_SENT,),
    "deferred": (Type.DELIVERY_DEFERRED,),
    "bounced": (Type.DELIVERY_BOUNCED,),
    "failed": (Type.DELIVERY_FAILED, Type.DELIVERY_EXPIRED),
    "in_doubt": (Type.DELIVERY_IN_DOUBT,),
    "accepted": (Type.JOB_ACCEPTED,),
    "completed": (Type.JOB_COMPLETED,),
}
"""What is counted a second, and by which events."""


def document(seen: Seen) -> dict[str, Any]:
    """The look for programs."""
    return {
        "at": seen.at,
        "seconds": round(seen.seconds, 3),
        "per_second": _rates(seen),
        "in_flight": sum(lane.flying for lane in seen.lanes),
        "claimed": sum(lane.claimed for lane in seen.lanes),
        "connections": sum(one.connections for one in seen.instances if one.alive),
        "untold": seen.untold,
        "doubts": seen.doubts,
        "due_next": seen.due_next,
        "classes": [
            {"class": CLASSES[one.klass], "waiting": one.count, "oldest": one.oldest,
             "is_more": one.is_more}
            for one in seen.classes
        ],
        "lanes": [{**asdict(lane), "why": why(lane, seen)} for lane in seen.lanes],
        "instances": [asdict(one) for one in seen.instances],
        "troubles": [asdict(one) for one in seen.troubles],
    }  # fmt: skip


def view(seen: Seen) -> list[Block]:
    """The look for a person."""
    return [
        _head(seen),
        _flow(seen),
        _waiting(seen),
        _lanes(seen),
        _instances(seen),
        _troubles(seen),
    ]


def why(lane: Lane, seen: Seen) -> str:
    """Why a lane goes no faster; empty when nothing waits for it."""
    if not lane.ready + lane.claimed:
        return ""
    if stuck := _stuck(lane, seen.instances) or _failing(lane, seen):
        return stuck
    if lane.paced > _BUSY:
        return f"at its rate of {lane.max_per_second:g}/s"
    if lane.granted >= lane.max_connections:
        return "all its connections are in use"
    return "flowing" if lane.flying else "about to start"


def _stuck(lane: Lane, instances: Sequence[Instance]) -> str:
    """Why nothing of a lane moves at all, where that is known."""
    if not lane.active:
        return "its transport is not in use"
    alive = [one for one in instances if one.alive]
    if not alive:
        return "no instance is alive"
    starting = [one for one in alive if not one.brake and not one.draining]
    return "" if starting else "no instance starts anything"


def _failing(lane: Lane, seen: Seen) -> str:
    """That its relay doesn't take anything now, by what went wrong last."""
    if lane.flying:
        return ""
    for one in seen.troubles:
        is_ours, reason = one.relay == f"{lane.host}:{lane.port}", one.data.get("reason")
        if is_ours and reason in OF_THE_RELAY and seen.at - one.at < _LATELY:
            return f"its relay fails: {story.cause(one.data)}"
    return ""


def _rates(seen: Seen) -> dict[str, float]:
    rates = {name: round(seen.rate(*types), 1) for name, types in _RATES.items()}
    return {**rates, "told": round(seen.told / seen.seconds, 1)}


def _head(seen: Seen) -> Block:
    alive = sum(one.alive for one in seen.instances)
    said = f"deliveryd top  {words.moment(seen.at)}  {words.number(alive, 'instance')} alive"
    return said if alive else Toned(said, Tone.BAD)


def _flow(seen: Seen) -> Facts:
    rates = _rates(seen)
    ends = [f"{rates[name]:,g} {name.replace('_', ' ')}" for name in _ends(rates)]
    flying = sum(lane.flying for lane in seen.lanes)
    connections = sum(one.connections for one in seen.instances if one.alive)
    claimed = sum(lane.claimed for lane in seen.lanes)
    on = words.number(connections, "connection")
    return Facts(
        rows=[
            ("mail/s", ", ".join(ends)),
            ("requests/s", f"{rates['accepted']:,g} accepted, {rates['completed']:,g} completed"),
            ("events/s", f"{rates['told']:,g} told, {seen.untold:,} to tell"),
            ("in flight", f"{flying:,} on {on}, {claimed:,} claimed"),
            ("in doubt", _doubts(seen.doubts)),
        ]
    )


def _doubts(number: int) -> str:
    more = "+" if number >= DEPTH else ""
    return f"{number:,}{more} wait for a decision: deliveryd doubt list" if number else ""


def _ends(rates: dict[str, float]) -> Iterator[str]:
    """What is always told, and what there is of the rest."""
    yield "sent"
    yield "deferred"
    yield from (name for name in ("bounced", "failed", "in_doubt") if rates[name])


def _waiting(seen: Seen) -> Block:
    rows = [
        (CLASSES[one.klass], f"{one.count:,}{'+' if one.is_more else ''}", _oldest(one, seen))
        for one in seen.classes
    ]
    empty = "nothing is due and waits"
    if seen.due_next is not None:
        empty += f"; next due {words.when(seen.due_next, seen.at)}"
    return Table(
        head=("class", "waiting", "oldest due"), rows=rows, empty=empty, numbers={"waiting"}
    )


def _oldest(one: Class, seen: Seen) -> str:
    return "" if one.oldest is None else words.away(one.oldest, seen.at)


def _lanes(seen: Seen) -> Table:
    rows = [
        (f"{lane.transport}{' ' + lane.site if lane.site else ''} ({lane.host}:{lane.port})",
         f"{lane.granted}/{lane.max_connections}", lane.flying, f"{lane.ready:,}",
         _toned(why(lane, seen)))
        for lane in seen.lanes
    ]  # fmt: skip
    return Table(
        head=("lane", "connections", "in flight", "ready", "why"),
        rows=rows,
        empty="no lane",
        numbers={"connections", "in flight", "ready"},
    )


def _toned(said: str) -> Toned:
    if said in ("flowing", "about to start"):
        return Toned(said, Tone.GOOD)
    is_stuck = said.startswith(("no instance", "its transport", "its relay"))
    return Toned(said or "idle", Tone.BAD if is_stuck else Tone.HELD if said else Tone.FAINT)


def _instances(seen: Seen) -> Table:
    rows = [
        (one.name, standing(one), one.batches, one.retries, one.connections, one.untold,
         words.span((seen.at - one.started_at).total_seconds()))
        for one in seen.instances
    ]  # fmt: skip
    head = ("instance", "state", "batches", "retries", "connections", "untold", "up")
    return Table(head=head, rows=rows, empty="no instance", numbers=head[2:6])


def standing(one: Instance) -> Toned:
    """How an instance is, in a word or with the reason why it starts nothing."""
    if not one.alive:
        return Toned("gone", Tone.BAD)
    if one.brake:
        return Toned(f"braked: {one.brake}", Tone.BAD)
    return Toned("draining", Tone.HELD) if one.draining else Toned("alive", Tone.GOOD)


def _troubles(seen: Seen) -> Block:
    rows = [
        (f"{one.at:%H:%M:%S}", _kind(one), one.delivery_id, _said(one)) for one in seen.troubles
    ]
    head = ("at", "trouble", "delivery", "what was said")
    return Table(head=head, rows=rows, empty="no trouble lately")


def _kind(one: Trouble) -> Toned:
    kind = one.type.partition(".")[2].replace("_", " ")
    return Toned(kind, Tone.HELD if one.type == Type.DELIVERY_DEFERRED else Tone.BAD)


def _said(one: Trouble) -> str:
    said = " ".join(str(part) for part in (one.code, one.enhanced, one.text) if part)
    return said or story.cause(one.data)
