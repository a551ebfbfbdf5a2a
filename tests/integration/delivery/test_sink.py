"""The courier at the scripted sink: what the server really stored, against what we say of it."""

import asyncio
import hashlib
import uuid
from typing import Any

import pytest

from daemon.delivery import session
from daemon.delivery.smtp import SmtpCourier
from daemon.mail.attempt import Attempt
from daemon.mail.outcome import Bounced, Deferred, InDoubt, Outcome, Sent
from tests.unit.delivery.scripted import ListSource, Notes, attempt

DOTTED = b"Message-ID: <%d@here.test>\r\nSubject: x\r\n\r\n.\r\n..\r\n.%d\r\n"


def to(number: int, recipient: str, **envelope: Any) -> Attempt:
    """An attempt with dots where they hurt."""
    return attempt(number, DOTTED % (number, number), recipient=recipient, **envelope)


def deliver(
    run: Any, relay: Any, attempts: list[Attempt], notes: Notes | None = None
) -> ListSource:
    """One run."""
    source = ListSource(attempts)
    run(SmtpCourier(relay, notes).run(source))
    return source


@pytest.mark.parametrize("capabilities", ["pipelining,8bitmime,size,smtputf8", "8bitmime", ""])
def test_every_octet_arrives(run: Any, start_sink: Any, capabilities: str) -> None:
    """Small, dotted and large messages are stored as composed, in lawful conversations."""
    sink = start_sink("--capabilities", capabilities) if capabilities else start_sink()
    if not capabilities:
        sink.ask("capabilities", names=[])
    large = b"Subject: x\r\n\r\n" + b".23456789 123456789\r\n" * (session.CHUNK // 4)
    attempts = [to(n, f"r{n}@there.test") for n in range(20)]
    attempts[10:10] = [attempt(99, large, recipient="large@there.test"), to(98, '"a b"@there.test')]
    source = deliver(run, sink.relay(), attempts)
    assert [type(outcome) for _, outcome in source.settled] == [Sent] * 22
    stored = sink.stored()
    assert [(one.rcpt, one.sha256) for one in stored] == [
        ((one.envelope.recipient,), hashlib.sha256(one.content.data).hexdigest())
        for one in attempts
    ]
    assert not any(one.violations for one in stored)
    assert {one.connection for one in stored} == {1}


BEHAVIOURS: list[tuple[str, type[Outcome], str | None, int]] = [
    ("greylist-1", Deferred, "refused", 0),
    ("rcpt-550", Bounced, None, 0),
    ("rcpt-552", Deferred, "refused", 0),
    ("data-554", Bounced, None, 0),
    ("dot-451", Deferred, "refused", 0),
    ("dot-554", Bounced, None, 0),
    ("421-at-rcpt", Deferred, "closing", 0),
    ("421-at-data", Deferred, "closing", 0),
    ("421-at-dot", Deferred, "closing", 0),
    ("drop-at-rcpt", Deferred, "dropped", 0),
    ("drop-at-data", Deferred, "dropped", 0),
    ("drop-after-dot", InDoubt, "dropped", 1),
    ("discard-after-dot", InDoubt, "dropped", 0),
    ("stall-at-rcpt-9", Deferred, "timeout", 0),
    ("stall-at-data-9", Deferred, "timeout", 0),
    ("stall-after-dot-9", InDoubt, "timeout", 1),
    ("garbage-at-rcpt", Deferred, "garbled", 0),
    ("garbage-at-data", Deferred, "garbled", 0),
    ("garbage-at-dot", InDoubt, "garbled", 0),
    ("latin1-at-rcpt", Sent, None, 1),
    ("latin1-at-dot", Sent, None, 1),
    ("long-at-rcpt", Sent, None, 1),
    ("long-at-dot", Sent, None, 1),
    ("extra-at-rcpt", Deferred, "garbled", 0),
    ("early-250", Deferred, "early", 0),
]


@pytest.mark.parametrize(("word", "kind", "reason", "copies"), BEHAVIOURS)
def test_behaviours(
    run: Any, shared_sink: Any, word: str, kind: type[Outcome], reason: str | None, copies: int
) -> None:
    """D11, D13, D14, D16, D17, D19: a stored copy that isn't `Sent` is a doubt.

    Whoever is before and behind is sent once.
    """
    here = f"{uuid.uuid4().hex}.test"
    recipients = [f"{word}+x@{here}" if n == 2 else f"r{n}@{here}" for n in range(6)]
    source = ListSource([to(n, recipient) for n, recipient in enumerate(recipients)])

    async def main() -> None:
        for _ in range(3):  # a run ends with a fault; a lane begins the next one
            await SmtpCourier(shared_sink.relay()).run(source)

    run(main())
    fate = source.outcome(2)
    assert (type(fate), getattr(fate, "reason", None)) == (kind, reason)
    assert [type(source.outcome(n)) for n in (0, 1, 3, 4, 5)] == [Sent] * 5
    stored = [one.rcpt[0] for one in shared_sink.stored() if one.rcpt[0].endswith(here)]
    assert sorted(stored) == sorted(recipients[:2] + recipients[3:] + recipients[2:3] * copies)


def test_the_wish_of_a_greylist(run: Any, sink: Any) -> None:
    """The wait that the server asks for reaches whoever schedules the next try."""
    outcome = deliver(run, sink.relay(), [to(0, "retry-after-2+x@there.test")]).outcome(0)
    assert isinstance(outcome, Deferred)
    assert outcome.retry_after == 2.0


@pytest.mark.parametrize("word", ["mail-451", "mail-550", "421-at-mail", "drop-at-mail"])
def test_faults_at_the_sender(run: Any, sink: Any, word: str) -> None:
    """The sender's trouble is never the recipient's bounce."""
    outcome = deliver(run, sink.relay(), [to(0, "r@there.test", sender=f"{word}@here.test")])
    assert isinstance(outcome.outcome(0), Deferred)


OPENINGS: list[tuple[dict[str, Any], str | None, bool]] = [
    ({"phase": "banner", "act": "421"}, "closing", False),
    ({"phase": "banner", "act": "refuse", "code": 554}, "greeting", True),
    ({"phase": "banner", "act": "garbage"}, "greeting", True),
    ({"phase": "banner", "act": "close"}, "greeting", True),
    ({"phase": "banner", "act": "stall", "seconds": 9}, "greeting", True),
    ({"phase": "ehlo", "act": "421"}, "closing", False),
    ({"phase": "ehlo", "act": "close"}, "greeting", True),
    ({"phase": "ehlo", "act": "stall", "seconds": 9}, "greeting", True),
    ({"phase": "ehlo", "act": "refuse", "code": 502, "times": 1}, None, True),
    ({"phase": "ehlo", "act": "extra"}, "early", True),
]


@pytest.mark.parametrize(("act", "reason", "counts"), OPENINGS)
def test_faults_while_connecting(
    run: Any, sink: Any, act: dict[str, Any], reason: str | None, counts: bool
) -> None:
    """D11, D17: no connection is no fault of the recipient; a refused EHLO is followed by HELO."""
    sink.ask("mode", **act)
    outcome = deliver(run, sink.relay(), [to(0, "r@there.test")]).outcome(0)
    if reason is None:
        assert isinstance(outcome, Sent)
    else:
        assert isinstance(outcome, Deferred)
        assert (outcome.reason, outcome.counts) == (reason, counts)
        assert sink.stored() == []


def test_nobody_listens(run: Any, sink: Any) -> None:
    """A refused connection and a name without address are told apart."""
    sink.ask("down")
    down = deliver(run, sink.relay(), [to(0, "r@there.test")]).outcome(0)
    assert down == Deferred(
        reason="connect", why="connection refused", relay=f"127.0.0.1:{sink.port}"
    )
    nowhere = deliver(run, sink.relay(host="no.such.name.invalid"), [to(0, "r@there.test")])
    assert isinstance(nowhere.outcome(0), Deferred)
    assert nowhere.outcome(0).reason == "dns"  # type: ignore[union-attr]


def test_a_large_message_dropped_in_its_middle(run: Any, sink: Any) -> None:
    """D12: what the server can't have read to its end is deferred, not in doubt."""
    data = b"Subject: x\r\n\r\n" + b"0123456789" * 90 + b"\r\n"
    data += (b"x" * 900 + b"\r\n") * 20_000
    one = attempt(0, data, recipient="drop-in-body-200000+x@there.test")
    outcome = deliver(run, sink.relay(), [one]).outcome(0)
    assert isinstance(outcome, Deferred)
    assert outcome.reason == "dropped"
    assert sink.stored() == []


@pytest.mark.parametrize("deed", ["drop", "restart"])
def test_idle_connections_are_replaced(run: Any, sink: Any, deed: str) -> None:
    """D22: a server that closes idle connections all the time costs no try."""

    async def main() -> None:
        source = ListSource([], gate=asyncio.Event())

        async def again() -> Attempt | None:
            await gate.wait()
            gate.clear()
            return source.take_nowait()

        gate = asyncio.Event()
        source.take = again  # type: ignore[method-assign]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(SmtpCourier(sink.relay()).run(source))
            for number in range(8):
                source.add(to(number, f"r{number}@there.test"))
                gate.set()
                await source.until(number + 1)
                if deed == "drop":
                    sink.ask("drop")
                else:
                    sink.ask("down")
                    sink.ask("up")
            gate.set()
        assert [type(outcome) for _, outcome in source.settled] == [Sent] * 8

    run(main())
    assert len(sink.stored()) == 8


def test_the_server_limits_messages_per_connection(run: Any, sink: Any) -> None:
    """D23: 421 to MAIL after five: reconnected, nothing counted, nothing sent twice."""
    sink.ask("per_connection", messages=5)
    source = deliver(run, sink.relay(), [to(n, f"r{n}@there.test") for n in range(23)])
    assert [type(outcome) for _, outcome in source.settled] == [Sent] * 23
    assert [one.rcpt[0] for one in sink.stored()] == [f"r{n}@there.test" for n in range(23)]


def test_too_many_connections(run: Any, sink: Any) -> None:
    """421 4.7.0 as the greeting is told as such, so that the lane can shrink."""
    sink.ask("limit", connections=2)
    source = ListSource([to(n, "stall-at-rcpt-1+r@there.test") for n in range(3)])

    async def main() -> None:
        courier = SmtpCourier(sink.relay())
        async with asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(courier.run(source))

    run(main())
    closing = [one for _, one in source.settled if getattr(one, "reason", "") == "closing"]
    assert len(closing) == 1
    assert closing[0].reply.enhanced == "4.7.0"  # type: ignore[union-attr]


def test_many_connections_at_once(run: Any, sink: Any) -> None:
    """Fifty connections, two thousand messages, each stored once, each witnessed once."""
    count = 2000
    notes = Notes()
    source = ListSource([to(n, f"r{n}@there.test") for n in range(count)])

    async def main() -> None:
        courier = SmtpCourier(sink.relay(), notes)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(50):
                tasks.create_task(courier.run(source))

    run(main())
    assert {type(outcome) for _, outcome in source.settled} == {Sent}
    assert sorted(one.rcpt[0] for one in sink.stored()) == sorted(
        f"r{n}@there.test" for n in range(count)
    )
    assert sorted(notes.dots) == sorted(number for number, _ in notes.replies) == [*range(count)]
