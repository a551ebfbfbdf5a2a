"""The events as plain lines, where there is no terminal to draw on."""

import asyncio
from collections import Counter

from . import wording
from .follower import Event
from .samples import Sample
from .seen import Seen

PACE = 0.1
FEW = 10
PARTS = 4
"""Of many mails of one request not each is told, but each quarter of them."""


async def show(seen: Seen) -> None:
    """Print what happens until cancelled, and then what was left to print."""
    lines = _Lines(seen)
    try:
        while True:
            lines.follow()
            await asyncio.sleep(PACE)
    finally:
        lines.follow()


class _Lines:
    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._printed = 0
        self._sent: Counter[str] = Counter()

    def follow(self) -> None:
        """Print what is new."""
        for name, event in self._seen.log[self._printed :]:
            if text := self._told(self._seen.tales[name].sample, event):
                print(f"{wording.clock(event.at)}  {event.type:<18} {name:<10} {text}", flush=True)
        self._printed = len(self._seen.log)

    def _told(self, sample: Sample, event: Event) -> str | None:
        many = len(sample.mails)
        if event.type != "delivery.sent" or many <= FEW:
            return wording.detail(event)
        self._sent[sample.name] += 1
        sent = self._sent[sample.name]
        return f"{sent} of {many}" if sent == many or sent % (many // PARTS) == 0 else None
