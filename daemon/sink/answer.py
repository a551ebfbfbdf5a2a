"""What the sink answers: bytes, a wait before them, and what becomes of the connection.

`compose` carries out acts on the answer that a well-behaved server would give. The first act that
refuses or ends decides; those that only bend the reply (stall, latin1, long, extra, early) still
apply to what was decided. Pure.
"""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from daemon.sink.behaviour import Act, Deed


class End(enum.Enum):
    """What becomes of the connection once the answer is out."""

    BYE = enum.auto()
    """No more from us; what the client still says is read, so that it can read our last reply."""
    DROP = enum.auto()
    """Closed at once."""
    RESET = enum.auto()
    """Closed at once with a RST."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer to one command, to a body, or to the connection itself."""

    said: bytes
    done: bool = True
    """Whether the command is carried out: the recipient accepted, the message stored."""
    wait: float = 0.0
    """Seconds of silence before it; infinity for as long as the client can bear."""
    end: End | None = None
    """None: it goes on."""
    early: bool = False
    """A 250 was said before the dot."""
    words: tuple[str, ...] = ()
    """The words of the acts that struck, in order."""
    address: str = ""
    """Whose words they are."""

    @property
    def code(self) -> int | None:
        """The reply code, None for silence and garbage."""
        return int(self.said[:3]) if self.said[:3].isdigit() else None


Claim: TypeAlias = tuple[str, Act]
"""An address and an act it asks for; the address is empty for an act of the mode."""

GARBAGE = b"\x00\xfe2five0 fine\xff\r\n"
EXTRA = b"250 2.0.0 Nobody asked for this\r\n"
EARLY = b"250 2.0.0 Ok before the dot\r\n"

_TEXTS = {
    421: "4.3.2 Closing the connection",
    450: "4.2.0 Mailbox busy",
    451: "4.3.0 Try again later",
    452: "4.2.2 Mailbox full for now",
    454: "4.7.0 Not available for now",
    502: "5.5.1 Not implemented",
    535: "5.7.8 Credentials refused",
    550: "5.1.1 No such recipient",
    552: "5.2.2 Mailbox full",
    553: "5.1.3 Not a valid address",
    554: "5.7.1 Refused",
}
_SENDER_TEXTS = {550: "5.7.1 Sender refused", 553: "5.1.8 Bad sender", 554: "5.7.1 Sender refused"}
_CONTENT_TEXTS = {550: "5.7.1 Content refused", 552: "5.3.4 Message too big"}
_TEXTS_OF_PHASE = {
    "mail": _SENDER_TEXTS,
    "data": _CONTENT_TEXTS,
    "dot": _CONTENT_TEXTS,
}


def reply(code: int, text: str, *, address: str = "") -> bytes:
    """One reply line; the text begins with the enhanced status code, the address goes behind it."""
    if address:
        enhanced, _, rest = text.partition(" ")
        text = f"{enhanced} <{address}> {rest}"
    return f"{code} {text}\r\n".encode()


def yes(code: int, text: str) -> Answer:
    """An answer that carries the command out."""
    return Answer(said=reply(code, text))


def no(code: int, text: str, *, end: End | None = None, address: str = "") -> Answer:
    """An answer that doesn't."""
    said = reply(code, text, address=address)
    return Answer(said=said, done=False, end=end, address=address)


def _refuse(answer: Answer, act: Act, address: str) -> Answer:
    fitting = _TEXTS_OF_PHASE.get(act.phase, {}).get(act.code) or _TEXTS.get(act.code)
    enhanced, _, text = (fitting or f"{act.code // 100}.0.0 As asked").partition(" ")
    line = f"{act.enhanced or enhanced} {act.text or text}"
    said = reply(act.code, line, address=address)
    return replace(answer, said=said, done=act.code < 400)  # noqa: PLR2004 (RFC 5321 4.2.1)


def _shut(answer: Answer, _act: Act, _address: str) -> Answer:
    return replace(answer, said=reply(421, _TEXTS[421]), done=False, end=End.BYE)


def _close(answer: Answer, _act: Act, _address: str) -> Answer:
    return replace(answer, said=b"", done=False, end=End.DROP)


def _reset(answer: Answer, _act: Act, _address: str) -> Answer:
    return replace(answer, said=b"", done=False, end=End.RESET)


def _store_reset(answer: Answer, _act: Act, _address: str) -> Answer:
    return replace(answer, said=b"", done=True, end=End.RESET)


def _stall(answer: Answer, act: Act, _address: str) -> Answer:
    return replace(answer, wait=answer.wait + act.number)


def _garbage(answer: Answer, _act: Act, _address: str) -> Answer:
    return replace(answer, said=GARBAGE, done=False)


def _latin1(answer: Answer, _act: Act, _address: str) -> Answer:
    return replace(answer, said=answer.said[:-2] + " für Empfänger\r\n".encode("latin-1"))


def _long(answer: Answer, act: Act, _address: str) -> Answer:
    code = answer.said[:3]
    filler = code + b"-" + b"a long reply " * 4 + b"\r\n"
    return replace(answer, said=filler * (int(act.number) - 1) + answer.said)


def _extra(answer: Answer, _act: Act, _address: str) -> Answer:
    return replace(answer, said=answer.said + EXTRA)


def _early(answer: Answer, _act: Act, _address: str) -> Answer:
    return replace(answer, said=answer.said + EARLY, early=True)


_DEEDS: dict[Deed, Callable[[Answer, Act, str], Answer]] = {
    Deed.REFUSE: _refuse,
    Deed.SHUT: _shut,
    Deed.CLOSE: _close,
    Deed.RESET: _reset,
    Deed.STORE_RESET: _store_reset,
    Deed.STALL: _stall,
    Deed.GARBAGE: _garbage,
    Deed.LATIN1: _latin1,
    Deed.LONG: _long,
    Deed.EXTRA: _extra,
    Deed.EARLY: _early,
}
_BENDING = {Deed.STALL, Deed.LATIN1, Deed.LONG, Deed.EXTRA, Deed.EARLY}


def compose(ok: Answer, claims: Iterable[Claim], *, strikes: Callable[[str, Act], bool]) -> Answer:
    """What is answered instead of `ok`; `strikes` is asked only for acts that would matter."""
    answer = ok
    for address, act in claims:
        if answer.end is not None:
            break
        if (answer.done or act.deed in _BENDING) and strikes(address, act):
            bent = _DEEDS[act.deed](answer, act, address)
            words = (*answer.words, act.word)
            answer = replace(bent, words=words, address=answer.address or address)
    return answer
