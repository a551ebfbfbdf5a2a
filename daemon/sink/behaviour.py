"""The one table of behaviours, and the acts that an address asks for.

An address asks by words at the front of its local part, each ended by `+` or by the end of it:
`greylist-2+x@`, `stall-at-rcpt-1+rcpt-550+x@`, `drop-after-dot@`. The first part that is no word
ends the words. Words about `mail` are read in the sender's address, all others in the recipient's.
`-once` behind a word lets it strike at the first try of this address only.

Pure: an act says what is to happen, `answer` makes it happen.
"""

import enum
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

Phase: TypeAlias = Literal[
    "banner", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "dot"
]
"""Where in a conversation an act strikes."""
PHASES: tuple[Phase, ...] = get_args(Phase)


class Deed(enum.StrEnum):
    """What an act does; the values are the words of the control channel."""

    REFUSE = "refuse"
    SHUT = "421"
    CLOSE = "close"
    RESET = "reset"
    STORE_RESET = "store-reset"
    STALL = "stall"
    GARBAGE = "garbage"
    LATIN1 = "latin1"
    LONG = "long"
    EXTRA = "extra"
    EARLY = "early"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing to do wrong."""

    phase: Phase
    deed: Deed
    word: str = ""
    """As it was asked for; strikes are counted by address and word."""
    code: int = 0
    """For `REFUSE`: the reply code."""
    enhanced: str | None = None
    """For `REFUSE`: the enhanced status code, None for a fitting one."""
    text: str | None = None
    """For `REFUSE`: the human's part, None for a fitting one."""
    number: float = 0.0
    """Seconds of a stall, lines of a long reply."""
    after: int = 0
    """For an act in the body: the bytes of it that are read before."""
    times: int | None = None
    """Strikes for one address, None without end."""
    lasting: float | None = None
    """Seconds after its first strike during which it strikes, None for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: how it is written, what it means, the act it makes."""

    shapes: tuple[str, ...]
    """Words with holes: PHASE, CODE, N, S."""
    meaning: str
    act: Act
    """The act before its holes are filled."""
    counts_tries: bool = False
    """N is the number of tries that it strikes at."""
    counts_seconds: bool = False
    """S is the time for which it strikes."""


def _row(*shapes: str, act: Act, meaning: str) -> Row:
    return Row(shapes=shapes, act=act, meaning=meaning)


_AT_RCPT = Act(phase="rcpt", deed=Deed.REFUSE, code=451, enhanced="4.7.1")

TABLE: tuple[Row, ...] = (
    Row(
        shapes=("greylist-N",),
        act=replace(_AT_RCPT, text="Greylisted, try again later"),
        meaning="451 4.7.1 to the first N tries of this recipient",
        counts_tries=True,
    ),
    Row(
        shapes=("retry-after-S",),
        act=replace(_AT_RCPT, text="Greylisted, try again in S seconds"),
        meaning="451 4.7.1 `try again in S seconds`, until S seconds after the first try",
        counts_seconds=True,
    ),
    _row(
        "PHASE-CODE",
        "reject-CODE",
        act=Act(phase="rcpt", deed=Deed.REFUSE),
        meaning="this reply (reject: at rcpt); CODE is 550 or, with its detail, 550-5.7.1",
    ),
    _row(
        "421-at-PHASE",
        act=Act(phase="rcpt", deed=Deed.SHUT),
        meaning="421 4.3.2, then the connection is closed",
    ),
    _row(
        "drop-at-PHASE",
        act=Act(phase="rcpt", deed=Deed.CLOSE),
        meaning="the connection is closed without a reply; nothing is stored",
    ),
    _row(
        "drop-in-body-N",
        act=Act(phase="body", deed=Deed.CLOSE),
        meaning="closed after N bytes of the body; a shorter one is stored",
    ),
    _row(
        "drop-after-dot",
        act=Act(phase="dot", deed=Deed.STORE_RESET),
        meaning="STORED, then the connection is reset (RST) without a reply",
    ),
    _row(
        "discard-after-dot",
        act=Act(phase="dot", deed=Deed.RESET),
        meaning="NOT stored, then the connection is reset (RST) without a reply",
    ),
    _row(
        "stall-at-PHASE-S",
        act=Act(phase="rcpt", deed=Deed.STALL),
        meaning="S seconds of silence, then it goes on; at the dot it is stored first",
    ),
    _row(
        "stall-after-dot-S",
        act=Act(phase="dot", deed=Deed.STALL),
        meaning="the same as stall-at-dot-S",
    ),
    _row(
        "garbage-at-PHASE",
        act=Act(phase="rcpt", deed=Deed.GARBAGE),
        meaning="a line that is no reply; what was asked for is NOT done",
    ),
    _row(
        "latin1-at-PHASE",
        act=Act(phase="rcpt", deed=Deed.LATIN1),
        meaning="the usual reply, with bytes that are no UTF-8",
    ),
    _row(
        "long-at-PHASE",
        "long-reply",
        act=Act(phase="rcpt", deed=Deed.LONG, number=1000),
        meaning="the usual reply, in 1,000 lines (long-reply: at rcpt)",
    ),
    _row(
        "extra-at-PHASE",
        "extra-reply",
        act=Act(phase="rcpt", deed=Deed.EXTRA),
        meaning="a 250 that nobody asked for behind the reply (extra-reply: at rcpt)",
    ),
    _row(
        "early-250",
        act=Act(phase="data", deed=Deed.EARLY),
        meaning="a 250 right behind the 354; the dot gets 451, NOTHING is stored",
    ),
)


def phase_of(name: str) -> Phase:
    """The phase of that name; ValueError when there is none."""
    for phase in PHASES:
        if phase == name:
            return phase
    raise ValueError(f"not a phase: {name} (there are {', '.join(PHASES)})")


_HOLES = {
    "PHASE": r"(?P<phase>mail|rcpt|data|dot)",
    "CODE": r"(?P<code>[2-5]\d\d)(?:-(?P<enhanced>[245]\.\d{1,3}\.\d{1,3}))?",
    "N": r"(?P<n>\d{1,9})",
    "S": r"(?P<s>\d{1,6}(?:\.\d{1,3})?)",
}
_HOLE = re.compile(r"PHASE|CODE|\bN\b|\bS\b")


def _patterns() -> Iterator[tuple[re.Pattern[str], Row]]:
    for row in TABLE:
        for shape in row.shapes:
            filled = _HOLE.sub(lambda hole: _HOLES[hole[0]], shape)
            yield re.compile(f"{filled}(?P<once>-once)?"), row


_PATTERNS = tuple(_patterns())
_FIRST = frozenset({shape.partition("-")[0] for row in TABLE for shape in row.shapes} | set(PHASES))
"""What words begin with, before the first hyphen: most addresses are let go by this alone."""


def _filled(row: Row, word: str, holes: dict[str, str | None]) -> Act:
    act = replace(row.act, word=word, times=1 if holes["once"] else None)
    if phase := holes.get("phase"):
        act = replace(act, phase=phase_of(phase))
    if code := holes.get("code"):
        act = replace(act, code=int(code), enhanced=holes.get("enhanced"))
    if row.counts_tries:
        return replace(act, times=int(holes["n"] or 0))
    if row.counts_seconds:
        text = (act.text or "").replace(" S ", f" {holes['s']} ")
        return replace(act, lasting=float(holes["s"] or 0), text=text)
    return replace(act, after=int(holes.get("n") or 0), number=float(holes.get("s") or act.number))


def act(word: str) -> Act | None:
    """The act that one word stands for, None when it is no word of the table."""
    return _act(word) if word.partition("-")[0] in _FIRST else None


@functools.lru_cache(maxsize=4096)
def _act(word: str) -> Act | None:
    for pattern, row in _PATTERNS:
        if found := pattern.fullmatch(word):
            return _filled(row, word, found.groupdict())
    return None


def acts(address: str) -> tuple[Act, ...]:
    """The acts that an address asks for, in the order of its words."""
    if "-" not in address:  # no word is without one, and most addresses are
        return ()
    found = []
    for word in address.rpartition("@")[0].lower().split("+"):
        if (asked := act(word)) is None:
            break
        found.append(asked)
    return tuple(found)


_LEGEND = """\
Words at the front of an address' local part, each ended by `+` or its end: greylist-2+x@,
stall-at-rcpt-1+rcpt-550+x@. PHASE is mail (read in the sender's address), rcpt, data or dot; N is
a whole number, S may have decimals. With `-once` behind it a word strikes once for each address.

"""


def table() -> str:
    """The table of behaviours as text, one behaviour a line, under a legend."""
    names = [", ".join(row.shapes) for row in TABLE]
    width = max(map(len, names))
    lines = (f"{name:<{width}}  {row.meaning}" for name, row in zip(names, TABLE, strict=True))
    return _LEGEND + "\n".join(lines)


class Memory:
    """How often each word has struck at each address, and since when."""

    __slots__ = ("_clock", "_strikes")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._strikes: dict[tuple[str, str], tuple[int, float]] = {}

    def strikes(self, address: str, act: Act) -> bool:
        """Whether the act strikes at the address now; if so, that is remembered."""
        if act.times is None and act.lasting is None:
            return True
        now = self._clock()
        count, first = self._strikes.get((address, act.word), (0, now))
        if act.times is not None and count >= act.times:
            return False
        if act.lasting is not None and now >= first + act.lasting:
            return False
        self._strikes[address, act.word] = (count + 1, first)
        return True
