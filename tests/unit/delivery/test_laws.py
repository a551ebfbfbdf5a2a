"""The laws of the way out, over random misbehaviour: every attempt, every phase, every slicing.

The server's replies name whom they are about, and what it stored is known: so a reply that went to
the wrong recipient shows, and so does a success without a mail, or a second mail without a doubt.
"""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.delivery.relay import Relay
from daemon.delivery.smtp import SmtpCourier
from daemon.mail.outcome import Bounced, Deferred, InDoubt, Sent
from tests.unit.delivery.scripted import (
    DROP,
    RELAY,
    STALL,
    Line,
    ListSource,
    Notes,
    Server,
    attempt,
    laid,
    run,
)

COUNT = 6
PHASES = {"mail": "s{}@here.test", "rcpt": "r{}@there.test", "data": "r{}@there.test"} | {
    "open": "r{}@there.test",
    "dot": "r{}@there.test",
}
SAID = ["421 4.3.2 {}", "451 4.7.1 {}", "550 5.1.1 {}", "552 5.2.2 {}", "334 {}", "hello {}"]
SAID += ["250-4 {}\r\n550 {}", "550 {}\n250 {}", "250 {}\x00\u00fc"]


@st.composite
def acts(draw: st.DrawFn) -> dict[tuple[str, str], bytes | str]:
    """Where one connection's server misbehaves, and how."""
    made: dict[tuple[str, str], bytes | str] = {}
    for number in draw(st.sets(st.integers(0, COUNT - 1), max_size=3)):
        phase = draw(st.sampled_from(sorted(PHASES)))
        who = PHASES[phase].format(number)
        said = draw(st.sampled_from([*SAID, DROP, STALL]))
        made[phase, who] = (
            said if said in (DROP, STALL) else f"{said.format(who, who)}\r\n".encode()
        )
    if draw(st.booleans()):
        made["data", ""] = b"354 go, whoever it is for\r\n"
    return made


def cutter(sizes: list[int]) -> object:
    """Slices by these sizes, over and over."""

    def cut(data: bytes) -> Iterable[bytes]:
        at = 0
        while at < len(data):
            size = sizes[0]
            sizes.append(sizes.pop(0))
            yield data[at : at + size]
            at += size

    return cut


@settings(max_examples=300, deadline=None)
@given(
    plans=st.lists(acts(), min_size=1, max_size=4),
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=5),
    pipelining=st.booleans(),
    limit=st.sampled_from([0, 1, 3]),
)
def test_laws(
    plans: list[dict[tuple[str, str], bytes | str]],
    sizes: list[int],
    pipelining: bool,
    limit: int,
) -> None:
    """D19: one outcome each, of its own reply; Sent is stored once, stored and not Sent a doubt."""
    source, notes = ListSource([attempt(number) for number in range(COUNT)]), Notes()
    relay = Relay(host="relay.test", tls="none", messages_per_connection=limit)
    with pytest.MonkeyPatch.context() as patch:
        lines = laid(
            patch,
            lambda n: Line(Server(plans[n] if n < len(plans) else {}), cut=cutter([*sizes])),
            pipelining=pipelining,
        )
        for _ in range(COUNT):  # as a lane does: a run that has ended is begun anew
            run(SmtpCourier(relay, notes).run(source))
    assert sorted(number for number, _ in source.settled) == list(range(COUNT))
    stored = [who for line in lines for who, _ in line.server.stored if who]
    for number, outcome in source.settled:
        who = f"r{number}@there.test"
        copies = stored.count(who)
        if isinstance(outcome, Sent):
            assert who in outcome.reply.text
            assert copies == 1
        elif isinstance(outcome, InDoubt):
            assert copies <= 1
            assert number in notes.dots
            assert number not in [told for told, _ in notes.replies]
        else:
            assert isinstance(outcome, Bounced | Deferred)
            assert copies == 0 or number in [told for told, _ in notes.replies]
        reply = getattr(outcome, "reply", None)
        if reply is not None and "@" in reply.text:
            assert f"{number}@" in reply.text


def test_the_witness_knows_every_mail_that_may_exist() -> None:
    """Nothing is stored anywhere whose dot was not witnessed first."""
    source, notes = ListSource([attempt(number) for number in range(COUNT)]), Notes()
    with pytest.MonkeyPatch.context() as patch:
        lines = laid(patch, lambda _: Line(Server()))
        run(SmtpCourier(RELAY, notes).run(source))
    assert [f"r{number}@there.test" for number in notes.dots] == [
        who for line in lines for who, _ in line.server.stored
    ]
