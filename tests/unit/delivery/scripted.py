"""What the tests of the way out share: a server without a network, a source, a clock that jumps.

`Server` is a small, lawful SMTP server whose replies name the sender or the recipient that they
are about, so that a reply given to the wrong one shows. `acts` tell it where to misbehave.
"""

import asyncio
import re
import selectors
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from daemon.delivery import connect, wire
from daemon.delivery.connect import Connection
from daemon.delivery.courier import Reason, Witness
from daemon.delivery.dialogue import Dialogue
from daemon.delivery.envelope import Capabilities
from daemon.delivery.relay import Relay
from daemon.mail.attempt import Attempt, Envelope
from daemon.mail.content import Content
from daemon.mail.outcome import Deferred, Outcome
from daemon.mail.reply import Reply

T = TypeVar("T")
RELAY = Relay(host="relay.test", tls="none")
DROP, STALL = "drop", "stall"
"""Acts beside replies: reset the connection without a word; say nothing from now on."""


def attempt(number: int, data: bytes = b"Subject: x\r\n\r\nbody\r\n", **envelope: Any) -> Attempt:
    """An attempt whose sender and recipient bear its number."""
    fields = {"sender": f"s{number}@here.test", "recipient": f"r{number}@there.test"} | envelope
    return Attempt(
        delivery_id=number, number=1, envelope=Envelope(**fields), content=Content(data=data)
    )


@dataclass
class ListSource:
    """A source of a list of attempts, which remembers how they were settled."""

    attempts: Iterable[Attempt]
    gate: asyncio.Event | None = None
    """Waited for before None is given, as a lane does that keeps its connections warm."""
    may_start: Callable[[Attempt], bool] = lambda _: True
    settled: list[tuple[int, Outcome]] = field(default_factory=list)
    renewed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._waiting = deque(self.attempts)
        self._news = asyncio.Event()

    async def until(self, count: int) -> None:
        """Waits until so many attempts are settled."""
        while len(self.settled) < count:
            self._news.clear()
            await self._news.wait()

    def add(self, *attempts: Attempt) -> None:
        """More to deliver."""
        self._waiting.extend(attempts)

    def take_nowait(self) -> Attempt | None:
        """The next, if any."""
        return self._waiting.popleft() if self._waiting else None

    async def take(self) -> Attempt | None:
        """The next, or None once the gate is open."""
        if not self._waiting and self.gate is not None:
            await self.gate.wait()
        return self.take_nowait()

    async def renew(self, attempt: Attempt) -> bool:
        """As the test decides."""
        self.renewed.append(attempt.delivery_id)
        return self.may_start(attempt)

    def settle(self, attempt: Attempt, outcome: Outcome) -> None:
        """Remembers it."""
        self.settled.append((attempt.delivery_id, outcome))
        self._news.set()

    def outcome(self, number: int) -> Outcome:
        """The only outcome of this attempt."""
        (outcome,) = (outcome for settled, outcome in self.settled if settled == number)
        return outcome


def kinds(source: ListSource) -> list[tuple[int, str]]:
    """Who came to what, in order."""
    return [(number, type(outcome).__name__) for number, outcome in source.settled]


@dataclass
class Notes:
    """A witness that writes down what it is told."""

    allows: bool = True
    dots: list[int] = field(default_factory=list)
    replies: list[tuple[int, int]] = field(default_factory=list)

    def dot(self, attempt: Attempt) -> bool:
        """Written down."""
        self.dots.append(attempt.delivery_id)
        return self.allows

    def reply(self, attempt: Attempt, reply: Reply) -> None:
        """Written down."""
        self.replies.append((attempt.delivery_id, reply.code))


class Server:
    """One connection at the server's side: octets in, octets and acts out."""

    def __init__(self, acts: dict[tuple[str, str], bytes | str] | None = None) -> None:
        """`acts`: by phase (mail, rcpt, data, open, dot, rset, quit) and who it is about."""
        self.acts = acts or {}
        self.stored: list[tuple[str, bytes]] = []
        self.finished: list[str] = []
        """Recipients whose final dot has come, whatever became of it."""
        self._sender = self._recipient = ""
        self._rest = b""
        self._in_content = False

    def feed(self, data: bytes) -> list[bytes | str]:
        """What it answers, in order: replies, DROP or STALL."""
        self._rest += data
        said: list[bytes | str] = []
        end = b"\r\n.\r\n"
        while True:
            if self._in_content:
                content, found, rest = (b"\r\n" + self._rest).partition(end)
                if not found:
                    return said
                self._rest, self._in_content = rest, False
                said.append(self._finish(content[2:] + b"\r\n"))
            else:
                line, found, rest = self._rest.partition(b"\r\n")
                if not found:
                    return said
                self._rest = rest
                said.extend(self._command(line.decode()))

    def _finish(self, content: bytes) -> bytes | str:
        who = self._recipient
        self.finished.append(who)
        act = self.acts.get(("dot", who), f"250 2.0.0 stored {who}\r\n".encode())
        if act in (DROP, STALL) or act[:1] == b"2":
            self.stored.append((who, re.sub(rb"(?m)^\.", b"", content)))
        self._sender = self._recipient = ""
        return act

    def _command(self, line: str) -> list[bytes | str]:
        verb = line.split(maxsplit=1)[0].lower()
        if verb == "mail":
            if self._sender:
                return [f"503 5.5.1 there is {self._sender} already\r\n".encode()]
            self._sender = line[len("MAIL FROM:<") : line.index(">")]
            act = self._act("mail", self._sender, "250 2.1.0")
            self._sender = self._sender if act[:1] == b"2" else ""
            return [act]
        if verb == "rcpt":
            who = line[len("RCPT TO:<") : line.index(">")]
            if not self._sender:
                return [f"503 5.5.1 no sender for {who}\r\n".encode()]
            act = self._act("rcpt", who, "250 2.1.5")
            self._recipient = who if act[:1] == b"2" else ""
            return [act]
        if verb == "data":
            return self._data()
        self._sender = self._recipient = ""
        return [self._act(verb, "", "250 2.0.0")]

    def _data(self) -> list[bytes | str]:
        who = self._recipient
        stubborn = ("data", "") in self.acts  # goes ahead without a recipient
        if not who and not stubborn:
            return [b"503 5.5.1 no recipient\r\n"]
        act = self._act("data", who, "354 go ahead,")
        self._in_content = act[:3] == b"354"
        early = self.acts.get(("open", who))
        return [act] if early is None else [act, early]

    def _act(self, phase: str, who: str, usual: str) -> Any:
        return self.acts.get((phase, who), f"{usual} {who}\r\n".encode())


class Line(asyncio.Transport):
    """A transport to a `Server`."""

    def __init__(
        self,
        server: Server,
        *,
        cut: Callable[[bytes], Iterable[bytes]] = lambda data: [data],
        stuck_after: int | None = None,
    ) -> None:
        """`cut` slices what the server says, `stuck_after`: octets after which none leaves."""
        super().__init__()
        self.server = server
        self.written: list[bytes] = []
        self.unsent = 0
        self._stuck_after = stuck_after
        self._cut = cut
        self._protocol: Any = None
        self._closing = False
        self._silent = False
        self._loop = asyncio.get_running_loop()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Who is told what the server says."""
        self._protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """No limits."""

    def get_write_buffer_size(self) -> int:
        """As the test has it."""
        return self.unsent

    def is_closing(self) -> bool:
        """Whether either side has ended it."""
        return self._closing

    def write(self, data: Any) -> None:
        """To the server at once, or nowhere any more."""
        assert not self._closing
        self.written.append(bytes(data))
        if self._stuck_after is not None and sum(map(len, self.written)) > self._stuck_after:
            self.unsent += len(data)
            self._protocol.pause_writing()
            return
        said = self.server.feed(bytes(data))
        for act in said:
            if not self._silent:
                self._play(act)

    def say(self, said: bytes) -> None:
        """Has the server say something unasked, or late."""
        for piece in self._cut(said):
            self._loop.call_soon(self._hear, piece)

    def _play(self, act: bytes | str) -> None:
        if isinstance(act, bytes):
            self.say(act)
            return
        self._silent = True
        if act == DROP:
            self._loop.call_soon(self.lose)

    def lose(self) -> None:
        """The connection is gone."""
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, ConnectionResetError())

    def abort(self) -> None:
        """Ends it."""
        self.lose()

    def close(self) -> None:
        """Ends it."""
        self.lose()

    def _hear(self, data: bytes) -> None:
        if not self._closing:
            self._protocol.data_received(data)


class _Jumping(selectors.SelectSelector):
    """Never waits: tells the loop how long it would have."""

    waited = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("everyone waits for nothing")
        self.waited += max(timeout, 0.0)
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer when nothing else is to be done."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """All that was waited for."""
        return self._jumping.waited


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs it to its end, ten minutes in no time."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main)


def laid(
    patch: pytest.MonkeyPatch, make: Callable[[int], Line | None], *, pipelining: bool = True
) -> list[Line]:
    """Has connections be lines instead; the list grows as they are opened."""
    lines: list[Line] = []
    offered = Capabilities(pipelining=pipelining, eight_bit=True, size=0)

    async def connected(_relay: object, _context: object, witness: Witness) -> object:
        line = make(len(lines))
        if line is None:
            return Deferred(reason=Reason.CONNECT, relay=RELAY.label)
        lines.append(line)
        return Connection(wire=wire.adopt(Dialogue(witness), line), offered=offered)

    patch.setattr(connect, "connect", connected)
    return lines
