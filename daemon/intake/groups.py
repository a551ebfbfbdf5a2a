"""Which requests are carried out together. Pure.

Sends whose keys differ go in one transaction, as long as it stays short. All else goes alone: what
takes a lock, what was handed out before, what is wrong in itself.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from daemon.broker.parcel import Parcel
from daemon.intake import content
from daemon.intake.ask import Ask
from daemon.mail.request.send import Send
from daemon.store.accepting import Key


class Pair(NamedTuple):
    """A parcel and the request in it."""

    parcel: Parcel
    ask: Ask


def of(pairs: Iterable[Pair], *, limit: int) -> Iterator[list[Pair]]:
    """Groups of at most `limit` recipients, or of one parcel; those who go alone come last."""
    alone: list[Pair] = []
    group: list[Pair] = []
    keys = set[Key]()
    size = 0
    for pair in pairs:
        if not pair.ask.is_grouped or content.refused(pair.ask.request):
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
