"""This instance's journal: what of its attempts must outlive the process (promise 2).

One append-only file per instance in the state directory, a line per record and one `write()` per
line: the page cache outlives a kill, so nothing is synced. What a power cut takes is known to be
missing, since the first line names the boot. The lines:

    deliveryd journal 1 BOOT DATABASE
    dot   DELIVERY ATTEMPT RETRY EPOCH                      before the write with the final dot
    reply DELIVERY ATTEMPT RETRY EPOCH JOB RELAY CODE ENHANCED TEXT     as soon as it is parsed

RELAY is one word, as in a URL: a folder that takes all mail may have a space in its name.

A record is needed until the outcome is committed. When the file has grown, it is replaced by one
that holds only what is still needed. The file is locked as long as we live; `legacy.py` reads what
others left. A disk that takes no more records stops new starts, and says why; once all outcomes are
committed, the journal makes room by giving up what it holds of it.
"""

import asyncio
import errno
import fcntl
import functools
import os
from pathlib import Path
from urllib.parse import quote, unquote
from uuid import UUID

from daemon import logs, metrics
from daemon.mail.attempt import Attempt, Key
from daemon.mail.reply import Reply
from daemon.tasks import Refusal

SUFFIX = ".journal"
PART = ".part"
"""Of the next file, while it is written."""
LIMIT = 8 * 2**20
"""Octets after which the file is replaced by what is still needed of it."""
_WORTH = 4096
"""Octets of a full disk that are worth giving back: below, no block of it becomes free."""
_LOOK_EVERY = 1.0
"""Seconds between two tries of a disk that took nothing."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")

_log = logs.get("dispatch.journal")
_seldom = logs.Seldom()


class NoJournal(Refusal):
    """The state directory can't be written to: without a journal nothing is delivered."""


class Journal:
    """The journal of one life. `NoJournal` when it can't be begun."""

    def __init__(self, folder: Path, instance: UUID, *, database: str, limit: int = LIMIT) -> None:
        self.instance = instance
        self.database = database
        """Which database's deliveries it speaks of, in a word."""
        self.path = folder / f"{instance}{SUFFIX}"
        self.trouble = ""
        """Why nothing may start: the disk takes no records; empty = it does."""
        self._limit = limit
        self._head = f"deliveryd journal 1 {boot()} {database}\n".encode()
        self._needed: dict[Key, bytes] = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file, self._size = self._begun(self.path)
        except OSError as error:
            raise NoJournal(f"instance.state_dir {folder}: {error.strerror}") from error

    @property
    def brake(self) -> str:
        """Why nothing may start, and which disk it is; empty = it may."""
        return f"{self.path.parent}: {self.trouble}" if self.trouble else ""

    def dot(self, attempt: Attempt) -> bool:
        """Notes that a final dot is about to leave. False: it isn't noted, so it must not."""
        key = attempt.key
        # needed before it is written: the write may be the one that has the file replaced
        self._needed[key] = line = b"dot %d %d %d %d\n" % key
        if not self._append(line):
            del self._needed[key]
            return False
        return True

    def reply(self, attempt: Attempt, reply: Reply, relay: str) -> None:
        """Notes the reply to a final dot; when the disk takes nothing, as soon as it does again."""
        key = attempt.key
        place = as_word(relay)
        said = f"{attempt.tenure.job_id} {place} {reply.code} {reply.enhanced or '-'} {reply.text}"
        line = b"reply %d %d %d %d " % key + said.encode("utf-8", "replace") + b"\n"
        self._needed[key] = self._needed.get(key, b"") + line
        self._append(line)

    def forget(self, key: Key) -> None:
        """The outcome of a try is committed."""
        self._needed.pop(key, None)

    async def run(self) -> None:
        """Tries a disk that took nothing again and again, for ever."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            if self.trouble:
                self._replace()
            metrics.journal_records.set(len(self._needed))

    def close(self, *, unsettled: int = 0) -> None:
        """Ends it. As long as an outcome isn't committed it stays on disk, for whoever adopts it.

        Even an empty one: that it names no dot is what tells a doubt from what never left.
        """
        if not self._needed and not unsettled:
            self.path.unlink(missing_ok=True)
        else:
            _log.warning("journal.left", attempts=len(self._needed), path=str(self.path))
        os.close(self._file)

    def _append(self, line: bytes) -> bool:
        if self.trouble:
            return False
        try:
            _write(self._file, line)
        except OSError as error:
            self._stop(error)
            return False
        self._size += len(line)
        if self._size > self._limit:
            self._replace()
        return True

    def _replace(self) -> None:
        """A new file with what is still needed, in place of the old one; also when that is full."""
        fresh = self.path.with_suffix(PART)
        try:
            file, size = self._begun(fresh)
            self._replaced(fresh, file)
        except OSError as error:
            self._stop(error)
            self._make_room()
            return
        os.close(self._file)  # the lock goes on: the new file has had its own from the start
        self._file, self._size = file, size
        if self.trouble:
            _log.info("journal.mended", path=str(self.path))
        self.trouble = ""
        # were it not so, every record would have the file replaced
        self._limit = max(self._limit, 2 * size)

    def _replaced(self, fresh: Path, file: int) -> None:
        try:
            fresh.replace(self.path)
        except OSError:
            os.close(file)
            raise

    def _make_room(self) -> None:
        """Where a second file has no room: cuts off what nobody needs, which leaves the head."""
        if not self._needed and self._size - len(self._head) >= _WORTH:
            os.ftruncate(self._file, len(self._head))
            self._size = len(self._head)

    def _begun(self, path: Path) -> tuple[int, int]:
        """A locked file with the head and all that is needed; and its size."""
        start = self._head + b"".join(self._needed.values())
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write(file, start)
        except OSError:
            os.close(file)
            path.unlink(missing_ok=True)
            raise
        return file, len(start)

    def _stop(self, error: OSError) -> None:
        self.trouble = error.strerror or str(error)
        metrics.journal_failures.inc()
        if _seldom.ask(self.trouble) is not None:
            _log.error("journal.stopped", path=str(self.path), why=self.trouble)


def _write(file: int, data: bytes) -> None:
    """All of it, or an `OSError`: a record that was written by half is taken back."""
    written = os.write(file, data)
    if written != len(data):
        os.ftruncate(file, os.fstat(file).st_size - written)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@functools.cache
def as_word(relay: str) -> str:
    """A relay's name without anything that ends a word or a line; `from_word` undoes it."""
    return quote(relay, safe="/:[]", errors="replace")


def from_word(word: str) -> str:
    """The relay that a record names."""
    return unquote(word)


def boot() -> str:
    """The name of this run of the machine: another one means that a tail may be lost."""
    return _BOOT.read_text(encoding="ascii").strip() if _BOOT.exists() else "unknown"
