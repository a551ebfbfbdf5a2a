"""Time in a conversation: large messages, waits and their limits, stops and surprises."""

import asyncio
from collections.abc import Callable

import pytest

from daemon.delivery import session
from daemon.delivery.relay import Relay, Timeouts
from daemon.delivery.smtp import SmtpCourier
from daemon.delivery.wire import Wire
from daemon.mail.attempt import Attempt
from daemon.mail.outcome import Bounced, Deferred, InDoubt, Outcome, Sent
from tests.unit.delivery.scripted import (
    RELAY,
    STALL,
    Line,
    ListSource,
    Notes,
    Server,
    attempt,
    kinds,
    run,
)

Lay = Callable[..., list[Line]]


async def quiet() -> None:
    """Waits until nothing more happens by itself: the clock jumps only then."""
    await asyncio.sleep(0.1)


LARGE = b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n" * (3 * session.CHUNK)


@pytest.mark.parametrize("fault", ["drop", "stall", "early"])
def test_a_large_message_that_breaks_off_is_certainly_undelivered(lay: Lay, fault: str) -> None:
    """D12: lost, stuck or interrupted before the last chunk was written: deferred, not in doubt."""

    async def main() -> None:
        lines = lay(lambda _: Line(Server(), stuck_after=2 * session.CHUNK))
        source = ListSource([attempt(0, LARGE)])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(SmtpCourier(RELAY).run(source))
            await quiet()
            if fault == "drop":
                lines[0].lose()
            elif fault == "early":
                lines[0].say(b"552 5.3.4 too much\r\n")
        outcome = source.outcome(0)
        assert isinstance(outcome, Deferred)
        assert outcome.reason == {"drop": "dropped", "stall": "timeout", "early": "early"}[fault]
        assert lines[0].server.finished == []

    run(main())


def test_a_dot_that_never_left_us_is_no_doubt(lay: Lay) -> None:
    """What the kernel hadn't taken when we gave up can't have been received."""
    for unsent, kind in ((50_000, Deferred), (300, InDoubt), (0, InDoubt)):
        # 300 octets may be no more than the envelope that followed the dot, encrypted

        def line(_: int, unsent: int = unsent) -> Line:
            made = Line(Server({("dot", "r0@there.test"): STALL}))
            made.unsent = unsent
            return made

        source = ListSource([attempt(0), attempt(1)])
        lay(line)
        run(SmtpCourier(RELAY).run(source))
        assert type(source.outcome(0)) is kind


def test_the_final_reply_is_waited_for_as_long_as_the_standard_asks(lay: Lay) -> None:
    """D15: a 250 after nine minutes is a success, silence after ten a doubt."""

    async def main(minutes: int) -> Outcome:
        lines = lay(lambda _: Line(Server({("dot", "r0@there.test"): STALL})))
        source = ListSource([attempt(0)])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(SmtpCourier(RELAY).run(source))
            await quiet()
            await asyncio.sleep(60 * minutes)
            if not source.settled:
                lines[0].say(b"250 2.0.0 at last\r\n")
        return source.outcome(0)

    assert isinstance(run(main(9)), Sent)
    assert isinstance(run(main(11)), InDoubt)


def test_an_attempt_as_a_whole_is_limited_up_to_its_dot(lay: Lay) -> None:
    """D18: a server that takes its time at each step doesn't get all of them together."""
    relay = Relay(host="relay.test", tls="none", timeouts=Timeouts(body=180.0, attempt=5.0))

    async def main() -> float:
        lay(lambda _: Line(Server(), stuck_after=session.CHUNK))
        source = ListSource([attempt(0, LARGE)])
        begun = asyncio.get_running_loop().time()
        await SmtpCourier(relay).run(source)
        assert isinstance(source.outcome(0), Deferred)
        return asyncio.get_running_loop().time() - begun

    assert run(main()) < 10.0


def test_a_stop_while_idle(lay: Lay) -> None:
    """The connection is closed and the cancellation goes on."""

    async def main() -> None:
        lines = lay(lambda _: Line(Server()))
        source = ListSource([attempt(0)], gate=asyncio.Event())
        task = asyncio.Task(SmtpCourier(RELAY).run(source))
        await source.until(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert kinds(source) == [(0, "Sent")]
        assert lines[0].is_closing()

    run(main())


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data"])
def test_a_stop_before_the_dot(lay: Lay, phase: str) -> None:
    """The attempt is given back at once, and the try doesn't count."""

    async def main() -> None:
        who = "s0@here.test" if phase == "mail" else "r0@there.test"
        lay(lambda _: Line(Server({(phase, who): STALL})))
        source = ListSource([attempt(0)])
        task = asyncio.Task(SmtpCourier(RELAY).run(source))
        await quiet()
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        stopped = Deferred(reason="stopped", relay="relay.test:25", counts=False)
        assert source.settled == [(0, stopped)]

    run(main())


@pytest.mark.parametrize(
    ("said", "kind"), [(b"250 2.0.0 ok\r\n", Sent), (b"554 no\r\n", Bounced), (STALL, InDoubt)]
)
def test_a_stop_after_the_dot_waits_for_the_reply(
    lay: Lay, said: bytes | str, kind: type[Outcome]
) -> None:
    """Nothing cancels an attempt between its dot and the reply; the one behind is given back."""

    async def main() -> None:
        lines = lay(lambda _: Line(Server({("dot", "r0@there.test"): STALL})))
        source = ListSource([attempt(0), attempt(1)])
        task = asyncio.Task(SmtpCourier(RELAY).run(source))
        await quiet()
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(1)
        assert not task.done()
        if isinstance(said, bytes):
            lines[0].say(said)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert type(source.outcome(0)) is kind
        behind = source.outcome(1)
        assert isinstance(behind, Deferred)
        assert not behind.counts

    run(main())


@pytest.mark.parametrize("said", [b"421 4.3.2 bye\r\n", b"hello\r\n", STALL])
def test_a_stop_while_closing_leaves_no_attempt_without_an_outcome(
    lay: Lay, said: bytes | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was to be tried once more on a new connection is given back, if a stop comes first."""
    close = Wire.close

    async def stopped(wire: Wire) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await close(wire)

    async def main() -> None:
        lay(lambda _: Line(Server({("mail", "s1@here.test"): said})))
        source = ListSource([attempt(0), attempt(1)])
        monkeypatch.setattr(Wire, "close", stopped)
        task = asyncio.Task(SmtpCourier(RELAY).run(source))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert kinds(source) == [(0, "Sent"), (1, "Deferred")]
        assert not getattr(source.outcome(1), "counts", True)

    run(main())


def test_a_surprise_leaves_no_attempt_without_an_outcome(lay: Lay) -> None:
    """A bug of ours ends the run loudly, and what was in flight is told all the same."""

    class Broken(Notes):
        def dot(self, attempt: Attempt) -> bool:
            raise RuntimeError("a bug")

    lay(lambda _: Line(Server()))
    source = ListSource([attempt(0), attempt(1)])
    with pytest.raises(RuntimeError, match="a bug"):
        run(SmtpCourier(RELAY, Broken()).run(source))
    assert kinds(source) == [(0, "Deferred"), (1, "Deferred")]
