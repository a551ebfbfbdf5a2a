"""A look that is taken again and again, until what is looked at has ended or Ctrl-C.

On a terminal each look is drawn over the one before; for programs it is a line of JSON, and where
text goes to a file, the text again. While the database is away the last look stays, and says so.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from daemon.cli.blocks import Block, Tone, Toned
from daemon.cli.screen import Screen
from daemon.store import errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen."""

    document: Any
    view: Sequence[Block]
    is_last: bool = False
    """Whether there is nothing more to come."""


Taken = Callable[[], Awaitable[Look]]


async def repeated(take: Taken, screen: Screen, *, every: float, whole: bool = False) -> None:
    """Shows look after look; `whole` = on a screen of its own, as `top` does."""
    with _shown(screen, whole=whole) as show:
        async for look in _looks(take, every, patient=screen.is_terminal):
            show(look)


async def _looks(take: Taken, every: float, *, patient: bool) -> AsyncIterator[Look]:
    last: Look | None = None
    while last is None or not last.is_last:
        try:
            last = await take()
        except (errors.Unavailable, errors.Again) as error:
            if last is None or not patient:
                raise
            away = Toned(f"Postgres: {error}; this is what was seen before", Tone.BAD)
            yield Look(document=last.document, view=[away, *last.view])
        else:
            yield last
        if not last.is_last:
            await asyncio.sleep(every)


@contextmanager
def _shown(screen: Screen, *, whole: bool) -> Iterator[Callable[[Look], None]]:
    if not screen.is_terminal:
        yield lambda look: screen.next(look.document, look.view)
        return
    from rich.console import Console, Group  # noqa: PLC0415 - rich: only terminals wait for it
    from rich.live import Live  # noqa: PLC0415

    from daemon.cli import drawing  # noqa: PLC0415

    console = Console(file=sys.stdout, highlight=False)
    with Live(console=console, screen=whole, auto_refresh=False) as live:

        def show(look: Look) -> None:
            live.update(Group(*drawing.parts(look.view, console.width)), refresh=True)

        yield show
