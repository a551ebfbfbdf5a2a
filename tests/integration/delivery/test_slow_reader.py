"""A server that reads an octet now and then, or writes one."""

import asyncio

import pytest

from daemon.delivery.relay import Relay, Timeouts
from daemon.delivery.smtp import SmtpCourier
from daemon.mail.outcome import Deferred, Sent
from tests.integration.delivery.test_tls_and_auth import Speak, server
from tests.unit.delivery.scripted import ListSource, attempt

SLOWLY = 0.02
"""Seconds for an octet: the large message would take hours."""
DRIP = b"250-more to come\r\n"
"""What a reply that has no end consists of."""
LARGE = b"Subject: x\r\n\r\n" + (b"x" * 70 + b"\r\n") * 100_000
MOST = 2.0
"""Seconds that an attempt may take up to its final dot."""


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An ordinary server, until somebody sends him much."""
    writer.write(b"220 slow\r\n")
    while line := await reader.readline():
        verb = line[:4].upper()
        writer.write({b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n"))
        if verb == b"DATA":
            await _swallow(reader, writer)
            writer.write(b"250 stored\r\n")


async def _swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    read = b""
    while not read.endswith(b"\r\n.\r\n"):
        is_much = len(read) > 8192
        octets = await reader.read(1 if is_much else 1024)
        if not octets:
            writer.close()
            return
        read += octets
        await asyncio.sleep(SLOWLY if is_much else 0)


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An ordinary server, whose reply to one recipient comes octet by octet, without end."""
    writer.write(b"220 slow\r\n")
    is_body = False
    while line := await reader.readline():
        if b"<r0@" in line and line[:4].upper() == b"RCPT":
            await _without_end(writer)
        elif is_body:
            is_body = line != b".\r\n"
            writer.write(b"" if is_body else b"250 stored\r\n")
        else:
            is_body = line[:4].upper() == b"DATA"
            writer.write(b"354 go\r\n" if is_body else b"250 ok\r\n")


async def _without_end(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        for octet in DRIP:
            writer.write(bytes([octet]))
            await asyncio.sleep(SLOWLY)


@pytest.mark.parametrize("speak", [_converse, _drip], ids=["reads", "writes"])
async def test_who_is_slow_holds_up_nobody_else(speak: Speak) -> None:
    """D18: an attempt is given up at its deadline, undelivered; others go on beside it."""
    async with server(speak) as port, asyncio.timeout(30):
        timeouts = Timeouts(attempt=MOST, body=60.0)
        courier = SmtpCourier(Relay(host="127.0.0.1", port=port, tls="none", timeouts=timeouts))
        slow = ListSource([attempt(0, LARGE)])
        others = ListSource([attempt(number) for number in range(1, 21)])
        async with asyncio.TaskGroup() as tasks:
            stuck = tasks.create_task(courier.run(slow))
            await courier.run(others)
            assert not stuck.done()
        assert [type(outcome) for _, outcome in others.settled] == [Sent] * 20
        outcome = slow.outcome(0)
        assert isinstance(outcome, Deferred)
        assert outcome.reason == "timeout"
