"""Live tables on a terminal: the requests, the latest deliveries, the latest events."""

import asyncio
from collections.abc import Container, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from rich import box
from rich.console import Console, Group, JustifyMethod
from rich.live import Live
from rich.table import Table
from rich.text import Text

from . import wording
from .seen import Seen

Row = TypeVar("Row")

PACE = 0.1
FIXED = 16
"""Lines that are always there: the heads of the tables, the requests, the gaps between."""
MOST = 12
SENT = "delivery.sent"
COLOURS = {
    "sent": "green",
    "completed": "green",
    "accepted": "cyan",
    "deferred": "yellow",
    "bounced": "red",
    "rejected": "red",
}


async def show(seen: Seen, console: Console) -> None:
    """Draw until cancelled; then the tables are taken away."""
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            live.update(_drawn(seen, console.height), refresh=True)
            await asyncio.sleep(PACE)


def _drawn(seen: Seen, height: int) -> Group:
    room = max(height - FIXED, 2)
    deliveries = min(room // 2, MOST)
    events = min(room - deliveries, MOST)
    tables = (_requests(seen), _deliveries(seen, deliveries), _events(seen, events))
    return Group(*(part for table in tables for part in (Text(), table)))


def _requests(seen: Seen) -> Table:
    table = _grid("request", "asked", "sent", "copies", "events", "now", right=range(1, 5))
    now = datetime.now(UTC)
    for tale in seen.tales.values():
        found = wording.figures(tale)
        cells = (found.asked, found.sent, found.copies, found.events)
        state = wording.state(tale, now)
        table.add_row(tale.sample.title, *map(str, cells), _coloured(state))
    return table


def _deliveries(seen: Seen, rows: int) -> Table:
    """The latest, but those that weren't simply sent stay in sight."""
    table = _grid("delivery to", "state", "try", "the server said", right=[2])
    known = list(seen.deliveries.values())
    odd = _latest([event for event in known if event.type != SENT], rows // 2)
    for event in [
        *odd,
        *_latest([event for event in known if event.type == SENT], rows - len(odd)),
    ]:
        state = event.type.partition(".")[2]
        tries = str(event.data.get("attempt", ""))
        address = Text(wording.printable(event.data["address"]))
        table.add_row(address, _coloured(state), tries, Text(wording.reply(event)))
    return table


def _events(seen: Seen, rows: int) -> Table:
    table = _grid("event at", "type", "of", "tells")
    for name, event in _latest(seen.log, rows):
        kind = Text(event.type, style=_colour(event.type.partition(".")[2]))
        table.add_row(wording.clock(event.at), kind, name, Text(wording.detail(event)))
    return table


def _grid(*names: str, right: Container[int] = ()) -> Table:
    """A table as wide as the terminal, whose last column gives way."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), expand=True)
    for place, name in enumerate(names):
        side: JustifyMethod = "right" if place in right else "left"
        last = place == len(names) - 1
        table.add_column(name, justify=side, no_wrap=True, ratio=1 if last else None)
    return table


def _latest(rows: Sequence[Row], number: int) -> Sequence[Row]:
    """The last ones, in their order."""
    return rows[max(len(rows) - number, 0) :]


def _coloured(state: str) -> Text:
    return Text(state, style=_colour(state.partition(",")[0]))


def _colour(word: str) -> str:
    return COLOURS.get(word, "")
