"""The newest mails of a sink, kept in memory, and who waits for the next one."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from daemon.sink.inbox import letter
from daemon.sink.inbox.letter import Letter
from daemon.sink.record import Record, Refusal
from daemon.sink.show import decoded

KEPT = 1000
"""Mails at most; older ones go."""
KEPT_OCTETS = 128 * 2**20
"""Octets of them at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail in the box."""

    number: int
    """Counted from 1 since the sink has run."""
    record: Record
    content: bytes

    @property
    def letter(self) -> Letter:
        """Taken apart."""
        return letter.opened(self.content)

    def line(self) -> dict[str, object]:
        """What the list shows of it."""
        return {
            "number": self.number,
            "time": self.record.time,
            "from": self.record.mail_from,
            "to": list(self.record.rcpt),
            "subject": decoded(self.record.subject),
            "size": self.record.size,
        }

    def has(self, words: list[str]) -> bool:
        """Whether all of these words, in small letters, stand in its envelope, headers or text."""
        line = (
            f"{self.record.mail_from} {' '.join(self.record.rcpt)} {decoded(self.record.subject)}"
        )
        if all(word in line.casefold() for word in words):
            return True
        opened = self.letter
        headers = "\n".join(f"{name}: {value}" for name, value in opened.headers)
        everything = f"{line}\n{headers}\n{opened.text or opened.html or ''}".casefold()
        return all(word in everything for word in words)


class Box:
    """A witness that keeps what it sees."""

    def __init__(self, kept: int = KEPT, octets: int = KEPT_OCTETS) -> None:
        self._mails: OrderedDict[int, Mail] = OrderedDict()
        self._kept, self._most = kept, octets
        self._octets = 0
        self._next = asyncio.Event()
        self.last = 0
        """The number of the newest one."""

    def stored(self, record: Record, content: bytes) -> None:
        """Keep a mail, and let go of the oldest ones when there is no room."""
        self.last += 1
        self._mails[self.last] = Mail(number=self.last, record=record, content=content)
        self._octets += len(content)
        while len(self._mails) > 1 and self._is_full():
            _, gone = self._mails.popitem(last=False)
            self._octets -= len(gone.content)
        self._next.set()
        self._next = asyncio.Event()

    def _is_full(self) -> bool:
        return len(self._mails) > self._kept or self._octets > self._most

    def refused(self, refusal: Refusal) -> None:
        """Nothing was stored: nothing to look at."""

    def mail(self, number: int) -> Mail | None:
        """That one, if it is still there."""
        return self._mails.get(number)

    def found(self, words: str) -> Iterator[Mail]:
        """The newest first, of those that have all the words."""
        wanted = words.casefold().split()
        return (mail for mail in reversed(self._mails.values()) if mail.has(wanted))

    async def after(self, number: int) -> int:
        """The number of the newest one, once it is higher than that."""
        while self.last <= number:
            await self._next.wait()
        return self.last
