"""When the sink took a certain mail: seen in its dumps, which it appends to one file per second.

It writes a mail to a file of its own and appends it when it is whole. Most of it is of no interest:
octets are searched for a word, which stands in the recipient's address, and not looked at
otherwise. A file is removed when it is read and the sink has gone on to others.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from tests import waiting

_TEMPLATE = "%H%M%S"
_NAME = 6
"""Characters of such a name; the files of mails on their way have longer ones."""
_LOOK_EVERY = 0.002
_PATIENCE = 60.0
_LONGEST = 512
"""Octets that an address with what is around it never exceeds."""
_KEPT = 3
"""Files that may still be written to."""


def flags(folder: Path) -> Sequence[str]:
    """What the sink is told so that it dumps into a folder."""
    return ("-D", f"{folder}/{_TEMPLATE}")


class Sightings:
    """Who has got his mail, of those whose address begins with a word."""

    def __init__(self, folder: Path, word: str) -> None:
        self._folder = folder
        self._pattern = re.compile(rb"^X-Rcpt-Args: <(" + word.encode() + rb"[^>]*)>", re.MULTILINE)
        self._read: dict[Path, int] = {}
        self.at: dict[str, float] = {}
        """Address → when it was seen first, by `time.perf_counter`."""

    async def watch(self) -> None:
        """Looks, for ever."""
        while True:
            self.look()
            await asyncio.sleep(_LOOK_EVERY)

    async def all_of(self, addresses: Collection[str]) -> None:
        """Returns once all of them were seen, or after a minute."""
        wanted = set(addresses)
        with contextlib.suppress(AssertionError):
            await waiting.until(lambda: self.at.keys() >= wanted, seconds=_PATIENCE)

    def look(self) -> None:
        """Looks once."""
        paths = sorted(path for path in self._folder.iterdir() if len(path.name) == _NAME)
        for path in paths:
            self._search(path)
        for path in paths[:-_KEPT]:
            path.unlink()
            del self._read[path]

    def _search(self, path: Path) -> None:
        start = self._read.get(path, 0)
        with path.open("rb") as dumps:
            # a little of what is known already: an address may have been written by half
            dumps.seek(max(0, start - _LONGEST))
            octets = dumps.read()
            self._read[path] = dumps.tell()
        now = time.perf_counter()
        for address in self._pattern.findall(octets):
            self.at.setdefault(address.decode(), now)
