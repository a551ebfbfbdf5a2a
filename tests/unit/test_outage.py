"""Outages: one line for all parts, per ten seconds and cause."""

import pytest
import structlog

from daemon import logs
from daemon.broker import errors as broker
from daemon.outage import Outage
from daemon.store import errors, streams

PARTS = ("permit", "settle", "claim", "lanes", "beat", "rescue", "intake", "sweep", "tell", "house")
AWAY = (
    errors.Unavailable("Connect call failed"),
    errors.Unavailable("no answer in time"),
    errors.Unavailable("terminating connection due to administrator command (57P01)"),
)
log = logs.get("parts")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that lines are kept back by."""
    now = [1000.0]
    monkeypatch.setattr(logs, "_outages", logs.Seldom(clock=lambda: now[0]))
    return now


def test_a_server_is_away(clock: list[float]) -> None:
    """Ten parts that fail twice a second, each in its own words, write a line in ten seconds."""
    with structlog.testing.capture_logs() as lines:
        for _ in range(60):
            for number, part in enumerate(PARTS):
                logs.outage(log, f"{part}.waits", AWAY[number % 3], part=part)
            clock[0] += 0.5
    assert [line["event"] for line in lines] == ["permit.waits"] * 3
    assert [line["swallowed"] for line in lines] == [0, 199, 199]
    assert {line["cause"] for line in lines} == {"postgres"}
    assert lines[0]["why"] == "Connect call failed"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (AWAY[0], broker.Unavailable("connect: 111 refused")),
        (AWAY[0], errors.Refused("no space left on device (53100)", "53100")),
        (errors.Refused("no space left (53100)", "53100"), errors.Refused("no (42501)", "42501")),
        (AWAY[0], streams.StreamLost("another instance took the stream")),
        (AWAY[0], Outage("memory is full of untold events")),
        (
            broker.Unavailable("connection lost"),
            broker.Refused("connect: 403 ACCESS_REFUSED - Login was refused"),
        ),
        (broker.Unavailable("connection lost"), broker.Unavailable("NOT_FOUND - no exchange 'e'")),
        (broker.Unavailable("NOT_FOUND - no queue 'q'"), broker.Unavailable("NOT_FOUND - no 'e'")),
    ],
)
def test_causes_are_apart(clock: list[float], one: Outage, other: Outage) -> None:
    """A server away keeps nothing back that another one, or a server that is there, says."""
    with structlog.testing.capture_logs() as lines:
        for error in (one, other, one, other):
            logs.outage(log, "it.waits", error)
    assert [line["why"] for line in lines] == [str(one), str(other)]


@pytest.mark.parametrize(
    "one",
    [
        "connection lost",
        "no answer within 5 s",
        "connect: 111 Connect call failed ('127.0.0.1', 5672)",
        "320 CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
        "Server connection unexpectedly closed. Read 0 bytes but 1 bytes expected",
    ],
)
def test_a_broker_that_leaves(one: str) -> None:
    """However it shows that the broker is away, it is one trouble."""
    assert broker.Unavailable(one).cause == "rabbitmq"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("basic.consume: NOT_FOUND - no queue 'q' in vhost '/'", "rabbitmq NOT_FOUND q"),
        ("connect: 403 ACCESS_REFUSED - Login was refused", "rabbitmq ACCESS_REFUSED"),
        ("the broker ended the consumer: its queue is gone", "rabbitmq queue is gone"),
    ],
)
def test_a_broker_that_is_there(said: str, cause: str) -> None:
    """What it says no to is told apart, in few words."""
    assert broker.Unavailable(said).cause == cause


@pytest.mark.parametrize("table", ["batch", "job"])
def test_a_refusal(table: str) -> None:
    """A permission that was taken away is one trouble, whatever is asked for."""
    assert errors.Refused(f"permission denied for table {table}", "42501").cause == "postgres 42501"
