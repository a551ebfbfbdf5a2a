"""One connection: bytes in, the dialogue's answers out, in time and to the end it asks for.

Reads ahead (RFC 2920): all commands that came in one segment are answered in one write. While an
answer waits, what the client sends is kept and not looked at.
"""

import asyncio
import math
import socket
import struct
from typing import cast

from daemon.sink.answer import Answer, End
from daemon.sink.body import Body
from daemon.sink.dialogue import Dialogue, Expects, Interruption
from daemon.sink.sink import Sink
from daemon.sink.visit import Visit

_LINE_LIMIT = 16 * 1024
"""Octets without CRLF after which a client is told to go: more than AUTH's longest line."""
_KEPT_LIMIT = 256 * 1024
"""Octets kept while an answer waits; then reading stops and the client feels it."""
_GOODBYE = 2.0
"""Seconds that a client has to read our last reply and close."""
_HANDSHAKE = 30.0
"""Seconds for a TLS handshake."""
_RST = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: closing sends a RST."""
_TOO_LONG = Answer(said=b"500 5.5.2 Line too long\r\n", done=False, end=End.BYE)
_LEAVING = b"421 4.3.2 Shutting down\r\n"


class Session(asyncio.Protocol):
    """One connection of a sink.

    `roster` is the set of sessions whose sockets stand; `tasks` is where TLS handshakes run.
    """

    def __init__(self, sink: Sink, roster: set["Session"], tasks: asyncio.TaskGroup) -> None:
        self._sink = sink
        self._roster = roster
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._said: list[bytes] = []
        self._body: Body | None = None
        self._interruption: Interruption | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._open = False
        self._listens = False
        """Open, and no answer waits."""
        self.gone = asyncio.Event()
        """Set once the socket is closed."""

    # called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast("asyncio.Transport", transport)
        self._number = self._sink.tally.opened()
        self._visit = Visit(self._sink, self._number)
        self._dialogue = Dialogue(self._sink, self._visit)
        self._roster.add(self)
        self._open = self._listens = True
        self._say(self._dialogue.greet())
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        if not self._open:  # read and thrown away, see `_part`
            return
        self._visit.heard = self._sink.clock()
        self._buffer = self._buffer + data if self._buffer else data
        if self._listens:
            self._work()
        elif len(self._buffer) > _KEPT_LIMIT:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        """Forget the connection, whoever ended it."""
        self._leave()
        self._roster.discard(self)
        self.gone.set()
        if self._timer is not None:
            self._timer.cancel()

    # called by the server

    def reset(self) -> None:
        """End it with a RST, now, even while it says goodbye."""
        self._leave()
        self._cut(End.RESET)

    def dismiss(self) -> None:
        """End it with a 421."""
        self._said.append(_LEAVING)
        self._end(End.BYE)

    # the work

    def _work(self) -> None:
        """Take lines and bodies from the buffer until more bytes are needed, then say it all."""
        while self._listens and self._buffer:
            if self._body is not None:
                self._take_body(self._body)
                continue
            line, found, rest = self._buffer.partition(b"\r\n")
            if not found:
                if len(line) > _LINE_LIMIT:
                    self._say(_TOO_LONG)
                break
            self._buffer = rest
            self._say(self._dialogue.line(line, more=bool(rest)))
        self._flush()

    def _take_body(self, body: Body) -> None:
        planned = self._interruption
        piece = self._buffer if planned is None else self._buffer[: planned.after - body.came]
        later = self._buffer[len(piece) :]
        rest = body.feed(piece)
        self._buffer = later if rest is None else rest + later
        if rest is not None:
            self._body = self._interruption = None
            self._say(self._dialogue.finish(body.raw, oversize=body.oversize))
        elif planned is not None and body.came >= planned.after:
            self._interruption = None
            self._say(planned.answer)

    def _say(self, answered: Answer) -> None:
        wait = answered.wait + self._sink.mode.slow
        if wait:
            self._flush()
            self._hold(wait, answered)
        else:
            self._utter(answered)

    def _utter(self, answered: Answer) -> None:
        self._said.append(answered.said)
        if answered.end is not None:
            self._end(answered.end)
        elif self._dialogue.expects is not None:
            self._follow(self._dialogue.expects)

    def _follow(self, expected: Expects) -> None:
        if expected is Expects.TLS:
            self._expect_tls()
        elif expected is Expects.BODY and self._body is None:
            self._interruption = self._dialogue.interruption()
            self._body = Body(limit=self._sink.settings.max_size)

    def _hold(self, seconds: float, answered: Answer) -> None:
        self._listens = False
        if not math.isinf(seconds):
            self._timer = self._loop.call_later(seconds, self._release, answered)

    def _release(self, answered: Answer) -> None:
        if self._open:
            self._listens = True
            self._transport.resume_reading()  # before the answer, which may stop it again for TLS
            self._utter(answered)
            self._work()

    def _flush(self) -> None:
        if self._said:
            self._transport.write(b"".join(self._said))
            self._said.clear()

    # TLS

    def _expect_tls(self) -> None:
        self._listens = False
        if self._buffer:  # commands smuggled in before the handshake: CVE-2011-0411
            self._visit.violate("talk-before-tls")
            self._buffer = b""
        self._transport.pause_reading()
        self._flush()
        self._tasks.create_task(self._secure(), name=f"sink tls {self._number}")

    async def _secure(self) -> None:
        context = self._sink.certificate.context
        if context is None:
            raise RuntimeError("STARTTLS was offered without a certificate")
        try:
            secured = await self._loop.start_tls(
                self._transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=_HANDSHAKE,
                ssl_shutdown_timeout=_GOODBYE,
            )
        except OSError:  # ssl.SSLError is one; what the client did wrong is its own business
            self._visit.violate("tls-handshake")
            secured = None
        if secured is None or not self._open:
            self._transport.abort()
            self.connection_lost(None)  # nobody else tells: the handshake stood in between
            return
        self._transport = secured
        tls = secured.get_extra_info("ssl_object")
        self._dialogue.secured(tls.version())
        self._listens = True
        self._work()

    # the end

    def _end(self, end: End) -> None:
        if self._open:
            self._flush()
            self._leave()
            if end is End.BYE:
                self._part()
            else:
                self._cut(end)

    def _leave(self) -> None:
        """The connection counts no more."""
        if self._open:
            self._open = self._listens = False
            self._sink.tally.closed()

    def _part(self) -> None:
        """Half-close and drain: closing with unread bytes would destroy the reply on its way."""
        if not self._transport.can_write_eof():  # TLS
            self._transport.close()
            return
        self._timer = self._loop.call_later(_GOODBYE, self._transport.abort)
        try:
            self._transport.write_eof()
            self._transport.resume_reading()
        except OSError:  # the client was quicker, and the loop is yet to notice
            self._transport.abort()

    def _cut(self, end: End) -> None:
        if end is End.RESET:
            linger = self._transport.get_extra_info("socket")
            linger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
            self._transport.abort()
        else:
            self._transport.close()
