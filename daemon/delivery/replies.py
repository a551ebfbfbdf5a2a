"""Octets in, replies out: the reader of RFC 5321 4.2, fed in whatever slices the network makes.

It is strict where leniency could shift a reply to the wrong recipient: lines end in CRLF only (a
line with a bare LF could be read as one reply or as two, so it is neither), all lines of a reply
bear the same code, and line length, number of lines and total size are bounded. Whatever breaks
these rules comes out as one `Garbled`, and nothing after it: such a connection can't be trusted.
Text is another matter: NUL, controls and what isn't UTF-8 are cleaned, not refused.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from daemon.mail.reply import Reply, parse

LINE_LIMIT = 4096
"""Octets of one line; the standard says 512, servers say more."""
LINES_LIMIT = 1024
SIZE_LIMIT = 64 * 1024
"""Octets of all lines of one reply."""

_LINE = re.compile(rb"([2-5][0-5][0-9])(?:([ -])(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbled:
    """What came is no reply. The connection is of no more use."""

    why: str


class Parser:
    """Collects slices and gives whole replies, in order. Holds at most one unfinished reply."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._size = 0
        self._garbled = False

    @property
    def has_begun(self) -> bool:
        """Whether part of a reply is there, and the rest isn't."""
        return bool(self._rest or self._lines)

    def feed(self, data: bytes) -> list[Reply | Garbled]:
        """The replies that these octets complete."""
        if self._garbled:
            return []
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        found: list[Reply | Garbled] = []
        for line in lines:
            is_part = self._lines or line[3:4] == b"-"
            reply = self._continued(line) if is_part else _single(line)
            if reply is not None:
                found.append(reply)
            if isinstance(reply, Garbled):
                self._garbled = True
                return found
        if len(self._rest) > LINE_LIMIT:
            self._garbled = True
            found.append(Garbled(why="line too long"))
        return found

    def _continued(self, line: bytes) -> Reply | Garbled | None:
        self._lines.append(line)
        self._size += len(line)
        if len(self._lines) > LINES_LIMIT or self._size > SIZE_LIMIT:
            return Garbled(why="reply too long")
        if len(self._lines) == 1 or line[3:4] == b"-":
            return _check(line, self._lines[0][:3])
        lines, self._lines, self._size = self._lines, [], 0
        return _joined(lines)


def _check(line: bytes, code: bytes) -> Garbled | None:
    """What is wrong with one line of a reply, if anything."""
    if len(line) > LINE_LIMIT:
        return Garbled(why="line too long")
    if b"\n" in line:
        return Garbled(why="bare line feed")
    if not _LINE.fullmatch(line):
        return Garbled(why="no reply code")
    if line[:3] != code:
        return Garbled(why="two codes in one reply")
    return None


@lru_cache(maxsize=256)
def _single(line: bytes) -> Reply | Garbled:
    """A reply of one line. Nearly all replies are the same few lines: hence the cache."""
    return _check(line, line[:3]) or parse(int(line[:3]), [_text(line)])


def _joined(lines: list[bytes]) -> Reply | Garbled:
    """A reply of several lines, all but the last of them checked."""
    code = lines[0][:3]
    return _check(lines[-1], code) or parse(int(code), [_text(line) for line in lines])


def _text(line: bytes) -> str:
    return line[4:].decode("utf-8", "replace")
