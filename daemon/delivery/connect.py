"""Opens a connection that mail can be sent on: TCP, greeting, EHLO, TLS, AUTH.

aiosmtplib leads this part of the conversation, one command at a time; then our own wire takes its
transport over, since aiosmtplib knows no pipelining and keeps one reply at most. What it has read
and not used by then belongs to no command, and the connection is not taken. Credentials go out once
per connection, by the one mechanism that suits best: a refused password is not tried again.
"""

import asyncio
import contextlib
import socket
import ssl
from dataclasses import dataclass
from itertools import islice
from typing import Any

import aiosmtplib

from daemon import crashpoints, logs, tasks
from daemon.delivery import envelope, faults, wire
from daemon.delivery.courier import Reason, Witness
from daemon.delivery.dialogue import Dialogue
from daemon.delivery.envelope import Capabilities
from daemon.delivery.relay import Relay
from daemon.delivery.wire import Wire
from daemon.mail import hint
from daemon.mail import reply as replies
from daemon.mail.outcome import Deferred
from daemon.mail.reply import Reply

log = logs.get("delivery.connect")

ANEW = 4.0
"""Seconds after which a connection that nobody answers is asked for anew. The kernel would ask
after 1, 3, 7, 15 seconds, and not see for so long that a relay is back."""
ADDRESSES_LIMIT = 4
"""Addresses of one relay that are tried, in the resolver's order."""
UNSENT_LIMIT = 64 * 1024
"""Octets that the kernel may hold unsent: the less, the fewer drops leave a doubt."""

_TURNS = 100
"""Turns of the event loop that a transport is given to notice that its socket has ended."""
_UNKNOWN_MECHANISM = frozenset({500, 502, 504})
_FAULTS = (aiosmtplib.SMTPException, OSError, TimeoutError, UnicodeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection that is ready for MAIL FROM."""

    wire: Wire
    offered: Capabilities
    tls: str = ""
    """`TLSv1.3`; empty = in the clear."""


def tls_context(relay: Relay) -> ssl.SSLContext | None:
    """What TLS with this relay demands. Reads the authorities' file: make it once."""
    if relay.tls == "none":
        return None
    context = ssl.create_default_context(cafile=relay.ca_file)
    if not relay.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def connect(
    relay: Relay, context: ssl.SSLContext | None, witness: Witness
) -> Connection | Deferred:
    """A connection to the relay, or why there is none."""
    opening, before = _Opening(relay, context), tasks.cancellations()
    try:
        connection = await opening.run(witness)
    except _FAULTS as fault:
        tasks.heed(before)
        return opening.explain(fault)
    log.debug(
        "relay.connected",
        relay=relay.label,
        tls=relay.tls,
        pipelining=connection.offered.pipelining,
    )
    return connection


class _Opening:
    """One try at it, and how far it came."""

    def __init__(self, relay: Relay, context: ssl.SSLContext | None) -> None:
        self._relay = relay
        self._context = context
        self._stage = Reason.DNS

    async def run(self, witness: Witness) -> Connection:
        """The connection, logged in. Raises one of `_FAULTS`; then nothing is left open."""
        connected = await self._dial()
        client = aiosmtplib.SMTP(
            hostname=self._relay.host,
            sock=connected,
            local_hostname=self._relay.local_hostname,
            use_tls=self._relay.tls == "implicit",
            start_tls=False,
            tls_context=self._context,
            timeout=self._relay.timeouts.ehlo,
        )
        before = tasks.cancellations()
        try:
            await self._introduce(client)
            tasks.heed(before)
            return self._take_over(client, Dialogue(witness))
        except BaseException:
            client.close()
            await _hang_up(connected)
            raise

    def explain(self, fault: BaseException) -> Deferred:
        """The fault as an outcome of the attempt that the connection was opened for."""
        reply = _reply_in(fault)
        reason = self._stage
        if faults.is_about_tls(fault):
            reason = Reason.TLS
        elif reply is not None and reply.closes:
            reason = Reason.CLOSING
        log.debug("relay.unreachable", relay=self._relay.label, reason=reason, fault=repr(fault))
        return Deferred(
            reason=reason,
            reply=reply,
            why="" if reply else faults.said(fault),
            relay=self._relay.label,
            retry_after=hint.retry_after(reply) if reply else None,
            counts=reason is not Reason.CLOSING,
        )

    async def _dial(self) -> socket.socket:
        """The first of the relay's addresses that answers."""
        loop, limit = asyncio.get_running_loop(), self._relay.timeouts.connect
        async with asyncio.timeout(limit):
            found = await loop.getaddrinfo(
                self._relay.host, self._relay.port, type=socket.SOCK_STREAM
            )
        self._stage = Reason.CONNECT
        fault: OSError = ConnectionError("the name has no address")
        for family, kind, protocol, _, address in islice(found, ADDRESSES_LIMIT):
            try:
                return await _reached((family, kind, protocol), address, limit)
            except OSError as refused:  # TimeoutError is one
                fault = refused
        raise fault

    async def _introduce(self, client: aiosmtplib.SMTP) -> None:
        relay = self._relay
        self._stage = Reason.TLS if relay.tls == "implicit" else Reason.GREETING
        await client.connect(timeout=relay.timeouts.banner)
        crashpoints.reach("C10")
        self._stage = Reason.GREETING
        await _hello(client)
        if relay.tls == "starttls":
            self._stage = Reason.TLS
            await _start_tls(client)
            # what was offered before TLS is void (RFC 3207 4.2)
            await client.ehlo()
        if relay.username:
            self._stage = Reason.AUTH
            await _log_in(client, relay.username, relay.password)
        crashpoints.reach("C11")

    def _take_over(self, client: aiosmtplib.SMTP, dialogue: Dialogue) -> Connection:
        self._stage = Reason.DROPPED
        if client.protocol is None or client.transport is None or not client.is_connected:
            raise aiosmtplib.SMTPServerDisconnected("lost as soon as it was ready")
        self._stage = Reason.EARLY
        if client.protocol._buffer:  # noqa: SLF001 nothing public tells of unasked octets
            raise aiosmtplib.SMTPException("the server says more than it was asked for")
        secured = client.transport.get_extra_info("ssl_object")
        return Connection(
            wire=wire.adopt(dialogue, client.transport),
            offered=envelope.capabilities(client.esmtp_extensions),
            tls=(secured.version() or "") if secured else "",
        )


async def _reached(sort: tuple[int, int, int], address: Any, limit: float) -> socket.socket:
    """A connection within so many seconds, asked for as often as it takes."""
    left = limit
    while left > ANEW:
        with contextlib.suppress(TimeoutError):
            return await _open_socket(socket.socket(*sort), address, ANEW)
        left -= ANEW
    return await _open_socket(socket.socket(*sort), address, left)


async def _open_socket(sock: socket.socket, address: Any, limit: float) -> socket.socket:
    sock.settimeout(0.0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_LIMIT)
    try:
        async with asyncio.timeout(limit):
            await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


async def _hang_up(sock: socket.socket) -> None:
    """Ends it at once: aiosmtplib's way of closing waits, under TLS, for the server's consent."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    for _ in range(_TURNS):
        if sock.fileno() < 0:
            return
        await asyncio.sleep(0)
    sock.close()


class _Unread(bytearray):
    """aiosmtplib's buffer from STARTTLS on; remembers whether something unread was thrown away."""

    has_lost = False

    def __delitem__(self, which: Any) -> None:
        """Of a reply that was read its octets are deleted; `[:]` is what is left behind it."""
        self.has_lost |= which == slice(None) and len(self) > 0
        super().__delitem__(which)


async def _start_tls(client: aiosmtplib.SMTP) -> None:
    """STARTTLS. Whoever says more in clear behind his 220 is not who we want to talk to (S13).

    aiosmtplib believes none of it, but goes on as if nothing had been.
    """
    if client.protocol is None:
        raise aiosmtplib.SMTPServerDisconnected("lost before STARTTLS")
    unread = _Unread(client.protocol._buffer)  # noqa: SLF001 nothing public tells of it
    client.protocol._buffer = unread  # noqa: SLF001
    await client.starttls()
    if unread.has_lost:
        raise aiosmtplib.SMTPException("the server went on in clear behind its 220")


async def _hello(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        if not client.is_connected:
            raise
        await client.helo()


async def _log_in(client: aiosmtplib.SMTP, username: str, password: str) -> None:
    """By the first mechanism that the server knows; CRAM-MD5 first where anyone may listen."""
    mechanisms = {
        "plain": client.auth_plain,
        "login": client.auth_login,
        "cram-md5": client.auth_crammd5,
    }
    is_secret = client.get_transport_info("sslcontext") is not None
    names = [name for name in mechanisms if name in client.server_auth_methods]
    for name in names if is_secret else reversed(names):
        try:
            await mechanisms[name](username, password)
        except aiosmtplib.SMTPAuthenticationError as refused:
            if refused.code not in _UNKNOWN_MECHANISM:
                raise
        else:
            return
    raise aiosmtplib.SMTPException("the server offers no AUTH mechanism that we know")


def _reply_in(fault: BaseException) -> Reply | None:
    """What the server said, when the fault is that it said no."""
    if not isinstance(fault, aiosmtplib.SMTPResponseException):
        return None
    reply = replies.parse(fault.code, str(fault.message).split("\n"))
    return reply if reply.is_transient or reply.is_permanent else None
