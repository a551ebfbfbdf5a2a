"""What the dead have left on this machine: their journals, read and adopted (promise 2).

A journal whose lock is free has lost its process: whoever gets the lock adopts it, ends that
instance's lease at once, and settles the replies in it; then nothing is lost by waiting. A journal
whose lock is held is read as well, once its instance's lease has ended: a frozen process writes no
more dots. From a whole journal it follows that what it doesn't name never left.
"""

import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from daemon import logs
from daemon.delivery import verdict
from daemon.dispatch import journal
from daemon.dispatch.journal import Journal
from daemon.mail.attempt import Key
from daemon.mail.outcome import InDoubt, Outcome, Verdict, Withheld
from daemon.mail.reply import Reply

_DOT, _REPLY = "dot", "reply"
_HEAD, _BOOT, _DATABASE = 5, 3, 4
"""Words of a journal's first line, and the places of two of them."""
_KEY = 4
"""Numbers that make a key."""

_LEFT = 60.0
"""Seconds after which a replacement that nobody has finished never will be."""

_log = logs.get("dispatch.legacy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The reply to a final dot, and whose it was."""

    job_id: UUID
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is known of an instance's attempts. The empty one knows nothing."""

    is_whole: bool = False
    """Whether a dot that isn't here never left: nothing can be missing."""
    dots: frozenset[Key] = frozenset()
    replies: Mapping[Key, Said] = field(default_factory=dict)

    def verdict(self, key: Key) -> Outcome | Withheld:
        """What became of a try that its holder didn't settle."""
        said = self.replies.get(key)
        if said is not None:
            return said.outcome
        if self.is_whole and key not in self.dots:
            return Withheld(verdict=Verdict.PAUSED)  # certainly not delivered: it waits again
        return InDoubt(reason="died")


NOTHING = Memory()


class Legacy:
    """The journals beside our own that speak of the same database."""

    def __init__(self, own: Journal) -> None:
        self._folder = own.path.parent
        self._own = own.instance
        self._database = own.database
        self._adopted: dict[UUID, int] = {}

    def adopt(self) -> dict[UUID, Memory]:
        """Takes over the journals that have lost their process since the last look."""
        taken = {}
        self._clear_away()
        for instance, path in self._journals():
            file = _locked(path) if _database(path) == self._database else None
            if file is not None:
                self._adopted[instance] = file
                taken[instance] = self.memory(instance, is_over=True)
        return taken

    @property
    def adopted(self) -> list[UUID]:
        """Instances whose journals are ours now."""
        return list(self._adopted)

    def memory(self, instance: UUID, *, is_over: bool) -> Memory:
        """What a journal says; `is_over`: its instance is known to write no more dots."""
        try:
            lines = self._path(instance).read_bytes().decode("utf-8", "replace").split("\n")
        except OSError:
            return NOTHING
        head = lines[0].split(" ")
        if len(head) != _HEAD or head[_DATABASE] != self._database:
            return NOTHING
        is_whole = (is_over or instance in self._adopted) and head[_BOOT] == journal.boot()
        # a last line without an end was never finished: what it announces was never done
        return _read(lines[1:-1], is_whole=is_whole)

    def bury(self, instance: UUID) -> None:
        """Removes an adopted journal: nothing is held by its instance any more."""
        self._path(instance).unlink(missing_ok=True)
        os.close(self._adopted.pop(instance))
        _log.info("journal.buried", instance=str(instance))

    def close(self) -> None:
        """Lets go of what was adopted and not buried: the next one adopts it."""
        for file in self._adopted.values():
            os.close(file)
        self._adopted.clear()

    def _clear_away(self) -> None:
        """Halves of replacements that a kill has left; whoever makes one is done in no time."""
        for path in self._folder.glob(f"*{journal.PART}"):
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - _LEFT:
                    path.unlink()

    def _path(self, instance: UUID) -> Path:
        return self._folder / f"{instance}{journal.SUFFIX}"

    def _journals(self) -> Iterator[tuple[UUID, Path]]:
        """Those of others that aren't ours yet."""
        for path in sorted(self._folder.glob(f"*{journal.SUFFIX}")):
            try:
                instance = UUID(path.stem)
            except ValueError:
                continue  # no journal
            if instance != self._own and instance not in self._adopted:
                yield instance, path


def _database(path: Path) -> str | None:
    """Whose deliveries a journal speaks of."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline().rstrip("\n").split(" ")[-1]
    except OSError:
        return None


def _locked(path: Path) -> int | None:
    """The file, locked; None: its process lives, or somebody else has adopted it."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_there = path.exists() and path.stat().st_ino == os.fstat(file).st_ino
    except OSError:
        is_there = False
    if not is_there:  # held, replaced or buried meanwhile
        os.close(file)
        return None
    return file


def _read(lines: Iterable[str], *, is_whole: bool) -> Memory:
    dots, replies = set(), {}
    for line in lines:
        kind, *rest = line.split(" ", 9)
        try:
            key = Key(*map(int, rest[:_KEY]))
            if kind == _DOT:
                dots.add(key)
            elif kind == _REPLY:
                replies[key] = _said(*rest[_KEY:])
        except (ValueError, TypeError):
            is_whole = False  # a line we can't read may have been anything
    return Memory(is_whole=is_whole, dots=frozenset(dots), replies=replies)


def _said(job: str, relay: str, code: str, enhanced: str, text: str) -> Said:
    reply = Reply(code=int(code), enhanced=None if enhanced == "-" else enhanced, text=text)
    return Said(job_id=UUID(job), outcome=verdict.of_dot(reply, journal.from_word(relay)))
