"""Conversations with a server without a network: what is written, and what comes of it."""

import asyncio
from collections.abc import Callable

import pytest

from daemon.delivery import session
from daemon.delivery.relay import Relay
from daemon.delivery.smtp import SmtpCourier
from daemon.mail.attempt import Attempt
from daemon.mail.outcome import Bounced, Deferred, Failed, InDoubt, Outcome, Sent
from tests.unit.delivery.scripted import (
    DROP,
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
Acts = dict[tuple[str, str], bytes | str]


def deliver(
    lay: Lay,
    attempts: list[Attempt],
    *acts: Acts,
    relay: Relay = RELAY,
    pipelining: bool = True,
    notes: Notes | None = None,
) -> tuple[ListSource, list[Line]]:
    """One run; the nth connection misbehaves by the nth `acts`, those after it do not."""
    source = ListSource(attempts)
    per_line = [*acts]
    lines = lay(
        lambda n: Line(Server(per_line[n] if n < len(per_line) else {})), pipelining=pipelining
    )
    run(SmtpCourier(relay, notes).run(source))
    assert all(line.is_closing() for line in lines)
    return source, lines


def test_one_round_trip_per_message(lay: Lay) -> None:
    """Each write but the first and the last ends one message and opens the next."""
    source, (line,) = deliver(lay, [attempt(n) for n in range(4)])
    assert kinds(source) == [(n, "Sent") for n in range(4)]
    verbs = [
        [word for word in (b"MAIL", b"RCPT", b"DATA", b"\r\n.\r\n", b"QUIT") if word in written]
        for written in line.written
    ]
    opening, ending = [b"MAIL", b"RCPT", b"DATA"], [b"\r\n.\r\n"]
    assert verbs == [opening, *[opening + ending] * 3, ending, [b"QUIT"]]


def test_lock_step_where_the_server_does_not_pipeline(lay: Lay) -> None:
    """One command, one reply: nothing is written before its turn, RSET neither."""
    acts: Acts = {("rcpt", "r1@there.test"): b"550 5.1.1 no\r\n"}
    source, (line,) = deliver(lay, [attempt(n) for n in range(3)], acts, pipelining=False)
    assert kinds(source) == [(0, "Sent"), (1, "Bounced"), (2, "Sent")]
    whole = [b"MAIL", b"RCPT", b"DATA", b"Subj"]
    expected = [*whole, b"MAIL", b"RCPT", b"RSET", *whole, b"QUIT"]
    assert [written[:4] for written in line.written] == expected


def test_the_server_gets_the_content_as_it_is(lay: Lay) -> None:
    """Dots at the start of lines and a message of many chunks arrive octet for octet."""
    dotted = b"Subject: x\r\n\r\n.\r\n..\r\n.a\r\n"
    large = b"".join(b".%06d................................\r\n" % n for n in range(9000))
    assert len(large) > 4 * session.CHUNK
    for pipelining in (True, False):
        attempts = [attempt(1, dotted), attempt(2, large), attempt(3, dotted)]
        source, (line,) = deliver(lay, attempts, pipelining=pipelining)
        assert kinds(source) == [(n, "Sent") for n in (1, 2, 3)]
        assert line.server.stored == [
            ("r1@there.test", dotted),
            ("r2@there.test", large),
            ("r3@there.test", dotted),
        ]


@pytest.mark.parametrize("excess", range(-6, 7))
def test_the_end_of_a_large_message_is_never_cut(lay: Lay, excess: int) -> None:
    """The whole end-of-data is in the last chunk, so what came before can't be taken for all."""
    fixed = b"Subject: x\r\n\r\n"
    data = fixed + b"x" * (session.CHUNK - len(fixed) - 2 + excess) + b"\r\n"
    source, (line,) = deliver(lay, [attempt(1, data)])
    assert kinds(source) == [(1, "Sent")]
    *_, last, goodbye = line.written
    assert (last[-5:], goodbye) == (b"\r\n.\r\n", b"QUIT\r\n")


REFUSALS = [
    ("mail", "s1@here.test", b"451 4.3.0 s1@here.test\r\n", (Deferred, "refused")),
    ("mail", "s1@here.test", b"550 5.7.1 s1@here.test\r\n", (Deferred, "sender-refused")),
    ("rcpt", "r1@there.test", b"451 4.7.1 in 300 seconds\r\n", (Deferred, "refused")),
    ("rcpt", "r1@there.test", b"550 5.1.1 r1@there.test\r\n", (Bounced, None)),
    ("data", "r1@there.test", b"451 4.3.0 r1@there.test\r\n", (Deferred, "refused")),
    ("data", "r1@there.test", b"554 5.6.0 r1@there.test\r\n", (Bounced, None)),
    ("dot", "r1@there.test", b"451 4.3.0 r1@there.test\r\n", (Deferred, "refused")),
    ("dot", "r1@there.test", b"554 5.6.0 r1@there.test\r\n", (Bounced, None)),
]


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(("phase", "who", "said", "outcome"), REFUSALS)
def test_a_refusal_is_its_own_only(
    lay: Lay,
    phase: str,
    who: str,
    said: bytes,
    outcome: tuple[type[Outcome], str | None],
    pipelining: bool,
) -> None:
    """The one before and the one after it are delivered on the same connection."""
    attempts = [attempt(n) for n in range(3)]
    source, lines = deliver(lay, attempts, {(phase, who): said}, pipelining=pipelining)
    assert len(lines) == 1
    assert [type(source.outcome(n)) for n in (0, 2)] == [Sent, Sent]
    fate = source.outcome(1)
    assert (type(fate), getattr(fate, "reason", None)) == outcome
    assert [who for who, _ in lines[0].server.stored] == ["r0@there.test", "r2@there.test"]


def test_data_that_goes_ahead_without_a_recipient_gets_a_lone_dot(lay: Lay) -> None:
    """The refused recipient is not written to, and the next message goes its way."""
    acts: Acts = {
        ("rcpt", "r1@there.test"): b"550 5.1.1 no\r\n",
        ("data", ""): b"354 go, whoever it is for\r\n",
    }
    source, (line,) = deliver(lay, [attempt(n) for n in range(3)], acts)
    assert kinds(source) == [(0, "Sent"), (1, "Bounced"), (2, "Sent")]
    assert b".\r\n" in line.written
    assert ("", b"") not in line.server.stored or line.server.stored[1][1] == b""


FAULTS = {
    "421": b"421 4.3.2 bye\r\n",
    "garbage": b"hello\r\n",
    "wrong class": b"334 what?\r\n",
    "drop": DROP,
    "stall": STALL,
}
PHASES = [("mail", "s"), ("rcpt", "r"), ("data", "r"), ("dot", "r")]


def address(letter: str, number: int) -> str:
    """Of the sender or the recipient of an attempt."""
    return f"s{number}@here.test" if letter == "s" else f"r{number}@there.test"


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("phase", "letter"), PHASES)
def test_faults_on_a_new_connection(
    lay: Lay, phase: str, letter: str, fault: str, pipelining: bool
) -> None:
    """D11, D13, D16, D17: in doubt only after its dot, deferred before, and the run ends."""
    acts: Acts = {(phase, address(letter, 0)): FAULTS[fault]}
    source, lines = deliver(lay, [attempt(0)], acts, pipelining=pipelining)
    assert len(lines) == 1
    in_doubt = phase == "dot" and fault != "421"
    assert type(source.outcome(0)) is (InDoubt if in_doubt else Deferred)
    assert lines[0].is_closing()


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_an_attempt_that_nothing_was_said_of_is_tried_once_more(
    lay: Lay, fault: str, pipelining: bool
) -> None:
    """D22: where a connection had served before, the fault is its own: no try is burnt."""
    acts: Acts = {("mail", "s1@here.test"): FAULTS[fault]}
    attempts = [attempt(n) for n in range(3)]
    source, lines = deliver(lay, attempts, acts, pipelining=pipelining)
    assert kinds(source) == [(n, "Sent") for n in range(3)]
    assert len(lines) == 2
    assert source.renewed == [0, 1]


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_tried_once_more_only(lay: Lay, fault: str) -> None:
    """A server that does it again on a new connection has its outcome, and the run ends."""
    acts: Acts = {("mail", "s1@here.test"): FAULTS[fault]}
    source, lines = deliver(lay, [attempt(n) for n in range(3)], acts, acts)
    assert kinds(source) == [(0, "Sent"), (1, "Deferred")]
    assert len(lines) == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_the_attempt_behind_a_fault_is_untouched_by_it(lay: Lay, fault: str) -> None:
    """D11: what was opened with the dot before goes anew, whatever became of that dot."""
    acts: Acts = {("dot", "r0@there.test"): FAULTS[fault]}
    source, lines = deliver(lay, [attempt(n) for n in range(3)], acts)
    assert kinds(source) == [
        (0, "Deferred" if fault == "421" else "InDoubt"),
        (1, "Sent"),
        (2, "Sent"),
    ]
    assert len(lines) == 2


@pytest.mark.parametrize("pipelining", [True, False])
def test_the_server_limits_messages_per_connection(lay: Lay, pipelining: bool) -> None:
    """D23: 421 after n messages: a new connection, and no failure is counted."""
    limits: list[Acts] = [{("mail", f"s{n}@here.test"): FAULTS["421"]} for n in (2, 4, 6)]
    attempts = [attempt(n) for n in range(8)]
    source, lines = deliver(lay, attempts, *limits, pipelining=pipelining)
    assert kinds(source) == [(n, "Sent") for n in range(8)]
    assert len(lines) == 4


@pytest.mark.parametrize("pipelining", [True, False])
def test_we_limit_messages_per_connection(lay: Lay, pipelining: bool) -> None:
    """After so many the connection is quit properly and the next one is opened."""
    relay = Relay(host="relay.test", tls="none", messages_per_connection=2)
    attempts = [attempt(n) for n in range(5)]
    source, lines = deliver(lay, attempts, relay=relay, pipelining=pipelining)
    assert kinds(source) == [(n, "Sent") for n in range(5)]
    assert [len(line.server.stored) for line in lines] == [2, 2, 1]
    assert [line.written[-1] for line in lines] == [b"QUIT\r\n"] * 3


@pytest.mark.parametrize("early", [b"250 ok\r\n", b"451 no\r\n", b"421 bye\r\n", b"2"])
def test_an_early_reply_is_no_success(lay: Lay, early: bytes) -> None:
    """D19: what is said to a content that wasn't sent ends the connection before it is sent."""
    acts: Acts = {("open", "r0@there.test"): early}
    source, lines = deliver(lay, [attempt(0)], acts)
    outcome = source.outcome(0)
    assert isinstance(outcome, Deferred)
    assert outcome.reason == ("closing" if early.startswith(b"421") else "early")
    assert not any(b"Subject" in written for written in lines[0].written)


def test_a_connection_found_closed_when_it_is_needed(lay: Lay) -> None:
    """D22: an idle connection that the server has closed is replaced before anything is written."""

    async def main() -> None:
        lines = lay(lambda _: Line(Server()))
        gate = asyncio.Event()
        source = ListSource([attempt(0)], gate=gate)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(SmtpCourier(RELAY).run(source))
            await source.until(1)
            lines[0].say(b"421 4.4.2 idle for too long\r\n")
            await asyncio.sleep(1)
            source.add(attempt(1))
            gate.set()
        assert kinds(source) == [(0, "Sent"), (1, "Sent")]
        assert (len(lines), source.renewed) == (2, [0, 1])

    run(main())


def test_a_relay_that_is_down(lay: Lay) -> None:
    """The attempt that asked for the connection says why there is none; the others stay."""
    source = ListSource([attempt(0), attempt(1)])
    lay(lambda _: None)
    run(SmtpCourier(RELAY).run(source))
    assert source.settled == [(0, Deferred(reason="connect", relay="relay.test:25"))]


def test_a_permit_that_ran_out_while_we_connected(lay: Lay) -> None:
    """The source is asked again, and what it takes back is neither sent nor settled by us."""
    source = ListSource([attempt(0), attempt(1)], may_start=lambda one: one.delivery_id != 0)
    lines = lay(lambda _: Line(Server()))
    run(SmtpCourier(RELAY).run(source))
    assert kinds(source) == [(1, "Sent")]
    assert [who for who, _ in lines[0].server.stored] == ["r1@there.test"]


def test_what_no_server_can_take_does_not_stop_the_others(lay: Lay) -> None:
    """An address or a content that can't be sent fails alone, without a word to the server."""
    attempts = [attempt(0), attempt(1, recipient="a b@c"), attempt(2, b"bare\n"), attempt(3)]
    source, (line,) = deliver(lay, attempts)
    assert [type(source.outcome(n)) for n in range(4)] == [Sent, Failed, Failed, Sent]
    assert len(line.server.stored) == 2


def test_a_witness_that_forbids_the_dot(lay: Lay) -> None:
    """Without leave no content is written; nothing counts, and nobody is tried again here."""
    notes = Notes(allows=False)
    source, (line,) = deliver(lay, [attempt(0), attempt(1), attempt(2)], notes=notes)
    fenced = Deferred(reason="fenced", relay="relay.test:25", counts=False)
    assert source.settled == [(0, fenced), (1, fenced)]
    assert (notes.dots, line.server.stored, line.is_closing()) == ([0], [], True)


def test_the_witness_is_asked_before_each_dot_and_told_each_reply(lay: Lay) -> None:
    """Dot and reply of every message that was sent, and of no other."""
    notes = Notes()
    acts: Acts = {
        ("rcpt", "r1@there.test"): b"550 no\r\n",
        ("dot", "r2@there.test"): b"554 no\r\n",
    }
    deliver(lay, [attempt(n) for n in range(4)], acts, notes=notes)
    assert notes.dots == [0, 2, 3]
    assert notes.replies == [(0, 250), (2, 554), (3, 250)]
