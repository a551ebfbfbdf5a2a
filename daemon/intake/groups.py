"""Which parcels are read, and which requests carried out, together. Pure but for chance.

Sends whose keys differ go in one transaction, as long as it stays short. All else goes alone: what
takes a lock, what was handed out before, what is wrong in itself.
"""

from collections.abc import Iterable, Iterator
from random import Random
from typing import NamedTuple

from daemon.broker.parcel import Parcel
from daemon.intake.ask import Ask
from daemon.mail.request.send import Send
from daemon.store.accepting import Key

HEAVY = 2**20
"""Octets of parcels that are read together: as requests they take ten times as many of memory."""
SUSPECT = 3
"""Times that a parcel came back, from which on it may be the one that killed whoever had it."""


class Pair(NamedTuple):
    """A parcel and the request in it."""

    parcel: Parcel
    ask: Ask


def servings(parcels: Iterable[Parcel], chance: Random) -> Iterator[list[Parcel]]:
    """What is new goes together; what was handed out before goes alone.

    So each of those is done with, and acknowledged, before the next can kill us. Suspects come last
    and in any order: none is always behind the killer until the broker gives them all up together.
    """
    new: list[Parcel] = []
    suspects: list[Parcel] = []
    for parcel in parcels:
        if not parcel.redelivered:
            new.append(parcel)
        elif parcel.delivery_count < SUSPECT:
            yield [parcel]
        else:
            suspects.append(parcel)
    yield from _light(new)
    chance.shuffle(suspects)
    yield from ([parcel] for parcel in suspects)


def _light(parcels: Iterable[Parcel]) -> Iterator[list[Parcel]]:
    """Servings that weigh `HEAVY` at most, or are one parcel."""
    serving: list[Parcel] = []
    weight = 0
    for parcel in parcels:
        if serving and weight + len(parcel.body) > HEAVY:
            yield serving
            serving, weight = [], 0
        serving.append(parcel)
        weight += len(parcel.body)
    if serving:
        yield serving


def of(pairs: Iterable[Pair], *, limit: int) -> Iterator[list[Pair]]:
    """Groups of at most `limit` recipients, or of one parcel; those who go alone come last."""
    alone: list[Pair] = []
    group: list[Pair] = []
    keys = set[Key]()
    size = 0
    for pair in pairs:
        if not pair.ask.is_grouped:
            alone.append(pair)
            continue
        key, number = pair.ask.key, _number(pair.ask)
        if group and (key in keys or size + number > limit):
            yield group
            group, keys, size = [], set[Key](), 0
        group.append(pair)
        keys |= {key} if key else set()
        size += number
    if group:
        yield group
    yield from ([pair] for pair in alone)


def _number(ask: Ask) -> int:
    return sum(1 for _ in ask.request.recipients) if isinstance(ask.request, Send) else 0
