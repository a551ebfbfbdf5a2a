"""The control channel on the wire: modes in every phase, limits, down and up."""

import asyncio
import contextlib
import ssl

import pytest

from daemon.sink import client
from daemon.sink.server import split

HELLO = b"Subject: hi\r\n\r\nhi\r\n."


@pytest.mark.parametrize(
    ("act", "said"),
    [("refuse", b"554 5.7.1 Refused\r\n"), ("421", b"421 4.3.2 Closing the connection\r\n")],
)
async def test_the_banner_refuses(serve, act, said):
    """So many connections are met with it, the next is greeted."""
    async with serve() as served:
        await served.control.call(do="mode", phase="banner", act=act, times=1)
        refused = await served.dial(hello=False)
        assert await refused.reply() == said
        assert (await (await served.dial(hello=False)).reply()).startswith(b"220 ")


async def test_the_banner_may_never_come(serve):
    """A stall without seconds lasts as long as the client can bear, and then counts no more."""
    async with serve() as served:
        await served.control.call(do="mode", phase="banner", act="stall", times=1)
        stalled = await served.dial(hello=False)
        await served.dial()
        stalled.writer.close()
        await stalled.writer.wait_closed()
        wire = await served.dial()
        await wire.say(b"NOOP")
        assert (await served.control.stats())["connections"]["now"] == 2


async def test_ehlo_alone_is_refused_once(serve):
    """502 to EHLO and 250 to the HELO that follows: the fallback works."""
    async with serve() as served:
        await served.control.call(do="mode", phase="ehlo", act="refuse", times=1)
        wire = await served.dial(hello=False)
        await wire.reply()
        assert [reply[:3] for reply in await wire.say(b"EHLO c", b"HELO c")] == [b"502", b"250"]


@pytest.mark.parametrize(("act", "ends"), [("close", True), ("garbage", False), ("421", True)])
async def test_acts_within_the_body(serve, act, ends):
    """They strike after so many bytes, before the dot."""
    async with serve() as served:
        await served.control.call(do="mode", phase="body", act=act, bytes=10, times=1)
        wire = await served.dial()
        await wire.envelope(b"a@x")
        wire.send(b"0123456789")
        if ends:
            assert await wire.end() in (b"", b"421 4.3.2 Closing the connection\r\n")
            assert served.records == []
        else:
            assert await wire.reply() == b"\x00\xfe2five0 fine\xff\r\n"
            assert (await wire.say(b"."))[0].startswith(b"250")


async def test_down_and_up_again(serve):
    """Down resets who is there and refuses who comes; up is the same port."""
    async with serve() as served:
        wire = await served.dial()
        await served.control.call(do="down")
        assert await wire.end() == b"RST"
        with pytest.raises(ConnectionRefusedError):
            await served.dial()
        up = await served.control.call(do="up")
        assert up["smtp"] == served.smtp.address
        await served.dial()
        assert (await served.control.stats())["connections"] == {"now": 1, "peak": 1, "total": 2}


async def test_drop_resets_and_goes_on_listening(serve):
    """All connections end at once, the next is welcome."""
    async with serve() as served:
        wire = await served.dial()
        await served.control.call(do="drop")
        assert await wire.end() == b"RST"
        await served.dial()


async def test_limits(serve):
    """Connections above the limit are told 421 4.7.0, so is MAIL after the last message."""
    async with serve() as served:
        await served.control.call(do="limit", connections=1)
        await served.control.call(do="per_connection", messages=1)
        wire = await served.dial()
        refused = await served.dial(hello=False)
        assert (await refused.reply()).startswith(b"421 4.7.0 ")
        assert await refused.end() == b""
        await wire.envelope(b"a@x")
        await wire.say(HELLO)
        assert (await wire.say(b"MAIL FROM:<a@x>"))[0].startswith(b"421 4.7.0 ")
        assert await wire.end() == b""
        await served.control.call(do="clear")
        await served.dial()
        await served.dial()


async def test_slowness_delays_every_answer(serve):
    """Three answers of 50 ms each take 150 ms, in their order."""
    async with serve() as served:
        wire = await served.dial()
        await served.control.call(do="slow", ms=50)
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await wire.envelope(b"a@x") == [b"250", b"250", b"354"]
        assert loop.time() - began >= 0.15


async def test_capabilities_change_with_the_next_ehlo(serve):
    """What was announced holds until EHLO is said again."""
    async with serve() as served:
        wire = await served.dial()
        await served.control.call(do="capabilities", names=["size"])
        assert (await wire.say(b"MAIL FROM:<a@x> BODY=8BITMIME"))[0].startswith(b"250")
        announced, refused = [
            (await wire.say(line))[0] for line in (b"EHLO c", b"MAIL FROM:<a@x> BODY=8BITMIME")
        ]
        assert b"PIPELINING" not in announced
        assert refused.startswith(b"555")


async def test_starttls_can_come_later(serve):
    """Asking for it makes the certificate; what was smuggled in before the handshake is dropped."""
    async with serve(capabilities=("pipelining",)) as served:
        told = await served.control.call(do="capabilities", names=["pipelining", "starttls"])
        wire = await served.dial()
        wire.send(b"STARTTLS", b"MAIL FROM:<smuggled@x>")
        assert (await wire.reply()).startswith(b"220 ")
        trust = ssl.create_default_context(cafile=told["certificate"])
        await wire.writer.start_tls(trust, server_hostname="localhost")
        assert [reply[:3] for reply in await wire.say(b"EHLO c")] == [b"250"]
        await wire.envelope(b"a@x")
        await wire.say(HELLO)
        (record,) = served.records
        assert record.tls == "TLSv1.3"
        assert record.violations == {"early-talk": 1, "talk-before-tls": 1}
        assert (await wire.say(b"QUIT"))[0].startswith(b"221")


async def test_a_handshake_that_is_none(serve):
    """Noise in place of a handshake ends that connection alone, and is counted."""
    async with serve(capabilities=("starttls",)) as served:
        await served.control.call(do="capabilities", names=["starttls"])
        wire = await served.dial()
        await wire.say(b"STARTTLS")
        wire.send(b"this is no handshake")
        await wire.end()
        other = await served.dial()
        assert (await other.say(b"NOOP"))[0].startswith(b"250")
        stats = await served.control.stats()
        assert stats["violations"] == {"tls-handshake": 1}
        assert stats["connections"]["now"] == 1


async def test_a_plaintext_reply_behind_the_220(serve):
    """A reply injected before the handshake: a client that keeps it is wrong."""
    async with serve(capabilities=("starttls",)) as served:
        await served.control.call(do="capabilities", names=["starttls"])
        await served.control.call(do="mode", phase="starttls", act="extra")
        wire = await served.dial()
        wire.send(b"STARTTLS")
        assert (await wire.reply()).startswith(b"220 ")
        assert await wire.reply() == b"250 2.0.0 Nobody asked for this\r\n"


async def test_a_wait_that_is_not_met(serve):
    """The client names what came."""
    async with serve() as served:
        with pytest.raises(TimeoutError, match=r"0 of 1 messages after 0\.01 s"):
            await served.control.wait_for(1, timeout=0.01)


async def test_who_asks_wrongly_is_told(serve):
    """A refused request raises, and the channel goes on."""
    async with serve() as served:
        with pytest.raises(ValueError, match="not a request with one of: mode, clear"):
            await served.control.call(do="dance")
        assert (await served.control.call(do="count"))["messages"] == 0


async def test_a_line_too_long_ends_the_conversation(serve):
    """One who floods the control channel is hung up on, the others are not."""
    async with serve() as served:
        host, port = split(_control_address(served))
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"x" * 200_000 + b"\n")
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
        assert (await served.control.call(do="count"))["messages"] == 0


def _control_address(served):
    host, port = served.control._writer.get_extra_info("peername")
    return f"{host}:{port}"


async def test_nobody_is_there():
    """Connecting to a port where nobody listens is an OSError at once."""
    with pytest.raises(OSError, match="Connect call failed"):
        await client.Control.connect("127.0.0.1:1")
