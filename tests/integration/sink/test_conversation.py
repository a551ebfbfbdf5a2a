"""Raw conversations: pipelining, strictness, size, many connections."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


async def test_a_pipelined_conversation(serve):
    """Three messages in five writes, each next MAIL in the write of the last dot."""
    async with serve() as served:
        wire = await served.dial()
        begin = (b"MAIL FROM:<a@x.test>", b"RCPT TO:<b@y.test>", b"DATA")
        codes = [reply[:3] for reply in await wire.say(*begin)]
        for number in range(2):
            wire.send(b"Message-ID: <%d@x.test>" % number, b"", b"..dot", b".", *begin)
            codes += [(await wire.reply())[:3] for _ in range(4)]
        wire.send(b"Message-ID: <2@x.test>", b"", b".", b"QUIT")
        codes += [(await wire.reply())[:3] for _ in range(2)]
        assert codes == [b"250", b"250", b"354"] * 1 + [b"250", b"250", b"250", b"354"] * 2 + [
            b"250",
            b"221",
        ]
        assert [record.message_id for record in served.records] == [
            f"<{number}@x.test>" for number in range(3)
        ]
        assert served.records[0].content.endswith(b"\r\n.dot\r\n")
        assert all(record.violations == {} for record in served.records)


async def test_bare_line_feeds_end_nothing(serve):
    """Smuggling ends of data are content, counted, and the one message is one."""
    async with serve() as served:
        wire = await served.dial()
        await wire.envelope(b"b@y.test")
        smuggled = b"a\n.\nMAIL FROM:<c@x.test>\r\nb\n.\r\nRCPT TO:<d@x.test>\r\nc\r\n.\nDATA"
        wire.send(smuggled, b".", b"NOOP")
        assert [(await wire.reply())[:3] for _ in range(2)] == [b"250", b"250"]
        (record,) = served.records
        assert record.content == smuggled.replace(b"\r\n.", b"\r\n") + b"\r\n"
        assert record.violations == {"bare-lf": 4, "unstuffed-dot": 1}
        assert (await served.control.stats())["violations"] == record.violations


async def test_a_command_ended_by_a_bare_line_feed_is_none(serve):
    """The line goes on until its CRLF and is refused."""
    async with serve() as served:
        wire = await served.dial()
        wire.send(b"NOOP\nQUIT")
        assert (await wire.reply()).startswith(b"500 ")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    contents=st.lists(
        st.lists(st.sampled_from([b".", b"..", b"\r\n", b"\n", b"\r", b"\0", b"x", b"\xff"])).map(
            b"".join
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_content_round_trips(serve, tmp_path, contents):
    """Whatever is sent with its dots stuffed is on record as it was meant."""
    (tmp_path / "record.jsonl").unlink(missing_ok=True)
    asyncio.run(_round_trip(serve, [content + b"\r\n" for content in contents]))


async def _round_trip(serve, contents):
    async with serve() as served:
        wire = await served.dial()
        for content in contents:
            await wire.envelope(b"b@y.test")
            wire.writer.write((b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:])
            assert (await wire.say(b"."))[0].startswith(b"250 ")
        assert [record.content for record in served.records] == contents


async def test_what_is_too_big_is_refused(serve):
    """At MAIL by its SIZE, at the dot by its bytes; the connection goes on."""
    async with serve(max_size=1000) as served:
        wire = await served.dial()
        (refused,) = await wire.say(b"MAIL FROM:<a@x.test> SIZE=1001")
        assert refused.startswith(b"552 5.3.4")
        await wire.envelope(b"b@y.test")
        wire.send(*[b"x" * 70] * 5000)
        assert (await wire.say(b"."))[0].startswith(b"552 5.3.4")
        assert await wire.envelope(b"b@y.test") == [b"250", b"250", b"354"]
        assert served.records == []


async def _deliver(served, number, messages):
    wire = await served.dial()
    for message in range(messages):
        await wire.envelope(b"r%d@y.test" % number)
        await wire.say(b"Message-ID: <%d.%d@x.test>\r\n\r\nhi\r\n." % (number, message))
    await wire.say(b"QUIT")


async def test_fifty_connections(serve):
    """Of 50 connections with 20 messages each none is lost, mixed up or counted twice."""
    async with serve() as served:
        async with asyncio.TaskGroup() as crowd:
            waiting = crowd.create_task(served.control.wait_for(1000, timeout=30), name="waiting")
            for number in range(50):
                crowd.create_task(_deliver(served, number, 20), name=f"client {number}")
        assert waiting.result()["messages"] == 1000
        stats = await served.control.stats()
        assert (stats["distinct"], stats["copies"]) == (1000, 1000)
        assert stats["connections"] == {"now": 0, "peak": 50, "total": 50}
        assert stats["peak_per_second"]["messages"] <= 1000
        assert {(record.rcpt[0], record.message_id) for record in served.records} == {
            (f"r{number}@y.test", f"<{number}.{message}@x.test>")
            for number in range(50)
            for message in range(20)
        }
