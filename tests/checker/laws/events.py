"""I5: what was told, held against the ledger."""

from collections.abc import Iterator
from uuid import UUID

from tests.checker.world import World

_ABOUT_ALL = {"v", "event_id", "occurred_at", "customer_id"}


def one_content(world: World) -> Iterator[str]:
    """No two different events have one id: a repeat is the same document, byte for byte in JSON."""
    for event in world.evidence.events:
        same = event.document == world.first[event.id].document
        yield "" if same else f"{event.id}: {event.type} has two contents"


def nothing_untold(world: World) -> Iterator[str]:
    """Every event in the ledger that is to be told was received."""
    for entry in world.evidence.books.entries:
        yield "" if entry.id in world.first else f"{entry.type} {entry.id} was never told"


def nothing_invented(world: World) -> Iterator[str]:
    """Every event that was received stands in the ledger, about the same job and delivery."""
    entries = {entry.id: entry for entry in world.evidence.books.entries}
    for event in world.first.values():
        entry = entries.get(event.id)
        told = (event.type, event.job, event.delivery)
        held = entry is not None and (entry.type, entry.job, entry.delivery) == told
        yield "" if held else f"{event.id}: {event.type} isn't in the ledger like that"


def in_order(world: World) -> Iterator[str]:
    """The events of one stream came in the order of their numbers, repeats aside."""
    last: dict[int, int] = {}
    for event in world.first.values():
        stream, number = event.place
        held = number > last.get(stream, 0)
        yield "" if held else f"{event.type} {number} of a stream came after {last[stream]}"
        last[stream] = max(number, last.get(stream, 0))


def well_formed(world: World) -> Iterator[str]:
    """Every event is a structured CloudEvent, keyed and named by what it says."""
    for event in world.evidence.events:
        document, data = event.document, event.data
        held = (
            document["specversion"] == "1.0"
            and str(UUID(event.id)) == event.id == event.message_id == data["event_id"]
            and event.content_type == "application/cloudevents+json"
            and event.routing_key == f"{event.type}.{data['customer_id']}"
            and document["time"] == data["occurred_at"]
            and document["subject"] == event.job
            and data.keys() >= _ABOUT_ALL
        )
        yield "" if held else f"{event.type} {event.id}: {document}"
