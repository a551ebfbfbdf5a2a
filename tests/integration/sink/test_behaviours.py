"""Each behaviour of the table once, on the wire."""

import asyncio
import time

import pytest

HELLO = b"Subject: hi\r\n\r\nhi"


async def _dot(wire):
    """The code of the reply to the dot, and then whether the connection lives."""
    (reply,) = await wire.say(HELLO + b"\r\n.")
    return reply[:3]


async def _deliver(served, recipient):
    """The codes of a whole transaction on a connection of its own."""
    wire = await served.dial()
    codes = await wire.envelope(recipient)
    return codes + ([await _dot(wire)] if codes[-1] == b"354" else [])


OK = [b"250", b"250", b"354", b"250"]


@pytest.mark.parametrize(
    ("recipient", "codes"),
    [
        (b"greylist-2+a@x", [[b"250", b"451", b"554"]] * 2 + [OK]),
        (b"rcpt-550-5.7.1+a@x", [[b"250", b"550", b"554"]] * 2),
        (b"reject-450-once+a@x", [[b"250", b"450", b"554"], OK]),
        (b"data-451-once+a@x", [[b"250", b"250", b"451"], OK]),
        (b"dot-452-once+a@x", [[b"250", b"250", b"354", b"452"], OK]),
        (b"greylist-1+dot-554+a@x", [[b"250", b"451", b"554"], [*OK[:3], b"554"]]),
    ],
)
async def test_replies_that_refuse(serve, recipient, codes):
    """Each try is answered as its words say, and only what had its 250 is stored."""
    async with serve() as served:
        assert [await _deliver(served, recipient) for _ in codes] == codes
        assert len(served.records) == codes.count(OK)
        refused = [refusal for refusal in served.refusals if refusal.words]
        assert len(refused) == len(codes) - codes.count(OK)
        assert {refusal.recipient for refusal in refused} == {recipient.decode()}


async def test_retry_after_names_its_seconds(serve):
    """The reply says when to come again, and coming then is right."""
    async with serve() as served:
        wire = await served.dial()
        _, refused = await wire.say(b"MAIL FROM:<a@x>", b"RCPT TO:<retry-after-0.2+a@x>")
        assert refused.startswith(b"451 4.7.1 <retry-after-0.2+a@x> ")
        assert refused.endswith(b"try again in 0.2 seconds\r\n")
        await asyncio.sleep(0.25)  # the server's clock is what is tested
        assert (await wire.say(b"RCPT TO:<retry-after-0.2+a@x>"))[0].startswith(b"250")


async def test_the_sender_is_refused(serve):
    """`mail` words stand in the sender's address."""
    async with serve() as served:
        wire = await served.dial()
        (refused,) = await wire.say(b"MAIL FROM:<mail-550+a@x>")
        assert refused == b"550 5.7.1 <mail-550+a@x> Sender refused\r\n"


@pytest.mark.parametrize("phase", [b"rcpt", b"data", b"dot"])
async def test_421_closes(serve, phase):
    """421 4.3.2 is said, then the connection ends, whatever was pipelined behind."""
    async with serve() as served:
        wire = await served.dial()
        codes = await wire.envelope(b"421-at-" + phase + b"@x")
        if phase == b"dot":
            wire.send(HELLO, b".", b"NOOP")
            codes.append((await wire.reply())[:3])
        assert [code for code in codes if code][-1] == b"421"
        assert await wire.end() == b""
        assert served.records == []


@pytest.mark.parametrize("phase", [b"rcpt", b"data", b"dot"])
async def test_a_drop_closes_without_a_word(serve, phase):
    """The connection ends and the phase has no reply; nothing is stored."""
    async with serve() as served:
        wire = await served.dial()
        codes = await wire.envelope(b"drop-at-" + phase + b"-once@x")
        if phase == b"dot":
            wire.send(HELLO, b".")
        assert await wire.end() in (b"", b"RST")
        assert b"421" not in codes
        assert served.records == []
        assert [refusal.kind for refusal in served.refusals] == ["dropped"]
        assert await _deliver(served, b"drop-at-" + phase + b"-once@x") == OK


async def test_a_drop_in_the_body(serve):
    """After so many bytes of the body the connection ends; a shorter body is stored."""
    async with serve() as served:
        wire = await served.dial()
        await wire.envelope(b"drop-in-body-5000@x")
        wire.send(b"x" * 1000, b"x" * 3000)
        await wire.writer.drain()
        wire.send(b"x" * 996)
        assert await wire.end() in (b"", b"RST")
        assert await _deliver(served, b"drop-in-body-5000@x") == OK
        assert len(served.records) == 1


@pytest.mark.parametrize(("word", "stored"), [(b"drop", 1), (b"discard", 0)])
async def test_a_reset_after_the_dot(serve, word, stored):
    """Both reset without a reply, one after storing; the next try has its 250."""
    async with serve() as served:
        wire = await served.dial()
        await wire.envelope(word + b"-after-dot-once@x")
        wire.send(HELLO, b".")
        assert await wire.end() == b"RST"
        assert len(served.records) == stored
        assert await _deliver(served, word + b"-after-dot-once@x") == OK
        assert len(served.records) == stored + 1
        assert [refusal.kind for refusal in served.refusals] == ["dropped"]


@pytest.mark.parametrize("word", [b"stall-at-rcpt-0.3", b"stall-at-data-0.3", b"stall-at-dot-0.3"])
async def test_a_stall_delays_and_goes_on(serve, word):
    """Nothing is said for the time, then all is as usual."""
    async with serve() as served:
        began = time.monotonic()
        assert await _deliver(served, word + b"@x") == OK
        assert time.monotonic() - began >= 0.3


async def test_a_stall_after_the_dot_stores_first(serve):
    """Who gives up waiting was stored all the same."""
    async with serve() as served:
        wire = await served.dial()
        await wire.envelope(b"stall-after-dot-600@x")
        wire.send(HELLO, b".")
        await served.control.wait_for(1, timeout=10)
        assert len(served.records) == 1
        assert (await served.control.stats())["connections"]["now"] == 1


async def test_what_came_during_a_stall_has_its_time(serve):
    """A MAIL behind a dot whose answer is held came before, and begins when it is answered."""
    async with serve() as served:
        wire = await served.dial()
        await wire.envelope(b"stall-at-dot-0.3@x")
        wire.send(HELLO, b".", b"MAIL FROM:<s@x.test>", b"RCPT TO:<b@x>", b"DATA")
        for _ in range(4):
            await wire.reply()
        wire.send(HELLO, b".")
        await wire.reply()
        first, second = served.records
        assert second.came < first.time + 0.15
        assert second.began - second.came >= 0.25


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (b"garbage-at-rcpt", b"\x00\xfe2five0 fine\xff\r\n"),
        (b"latin1-at-rcpt", b"250 2.1.5 Ok f\xfcr Empf\xe4nger\r\n"),
        (b"extra-reply", b"250 2.1.5 Ok\r\n250 2.0.0 Nobody asked for this\r\n"),
    ],
)
async def test_odd_replies(serve, word, expected):
    """What comes at RCPT is no lawful reply, in full, and what follows is as usual."""
    async with serve() as served:
        wire = await served.dial()
        wire.send(b"MAIL FROM:<a@x>", b"RCPT TO:<" + word + b"@x>", b"NOOP")
        async with asyncio.timeout(10):
            said = await wire.reader.readuntil(b"250 2.0.0 Ok\r\n")
        assert said == b"250 2.1.0 Ok\r\n" + expected + b"250 2.0.0 Ok\r\n"


async def test_garbage_at_the_dot_stores_nothing(serve):
    """No reply means no message, and with -once the next try is stored."""
    async with serve() as served:
        assert (await _deliver(served, b"garbage-at-dot-once@x"))[-1] == b"\x00\xfe2"
        assert served.records == []
        assert await _deliver(served, b"garbage-at-dot-once@x") == OK


async def test_a_long_reply(serve):
    """A thousand lines are one reply, and the transaction goes on."""
    async with serve() as served:
        wire = await served.dial()
        _, long = await wire.say(b"MAIL FROM:<a@x>", b"RCPT TO:<long-reply@x>")
        assert long.count(b"\r\n") == 1000
        assert (await wire.say(b"DATA"))[0].startswith(b"354")


async def test_an_early_250(serve):
    """It is on the wire before the dot, and the dot is refused."""
    async with serve() as served:
        wire = await served.dial()
        assert await wire.envelope(b"early-250@x") == [b"250", b"250", b"354"]
        assert (await wire.reply()).startswith(b"250 ")
        assert await _dot(wire) == b"451"
        assert served.records == []
