"""Clocks that are wrong."""

import time
from pathlib import Path

import pytest

from deploy.ground.prepare import FAKETIME
from tests.stories import asks
from tests.stories.house import House
from tests.stories.process import Daemon
from tests.waiting import until

NUMBER = 1500
_HOUR = 3600.0


def _clock(**more: str) -> dict[str, str]:
    """The environment of a process whose wall clock is wrong; time passes as it does."""
    found = next(Path("/usr/lib").glob(FAKETIME), None)
    assert found, "libfaketime (Debian package faketime) is not installed: see deploy/README.md"
    return {
        "LD_PRELOAD": str(found),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
        **more,
    }


@pytest.mark.timeout(120)
async def test_clocks_that_are_hours_apart(house: House) -> None:
    """W17: only the database's clock decides: leases hold, nothing leaves early and nothing late.

    One instance believes that it is an hour later than it is, another that it is an hour earlier.
    They share the work, keep what is not due, and when one dies the other one takes over in time.
    """
    doomed = await house.start(environ=_clock(FAKETIME="+1h"))
    late = await house.start(environ=_clock(FAKETIME="-1h"))
    for daemon, skew in ((doomed, _HOUR), (late, -_HOUR)):
        said = next(daemon.lines("life.begins"))["timestamp"]
        assert abs(asks.moment(said) - time.time() - skew) < _HOUR / 2
    await house.sink.do("slow", ms=10)
    due = asks.later(3)
    ask = house.producer.ask
    scheduled = await ask(asks.send(asks.people(50), delivery={"not_before": due}))
    now = await ask(asks.send(asks.people(NUMBER)))
    await house.events.completed(now.job)
    assert min(sum(1 for _ in one.lines("delivery")) for one in (doomed, late)) > 0
    await house.events.completed(scheduled.job)
    assert not [*doomed.lines("lease.lost"), *late.lines("lease.lost")]
    again = await ask(asks.send(asks.people(NUMBER)))
    await house.sink.more(100)
    doomed.kill()
    completed = await house.events.completed(again.job)
    assert completed.data["counts"]["sent"] == NUMBER
    await house.judge()


@pytest.mark.timeout(120)
async def test_a_clock_that_is_stepped(house: House) -> None:
    """J1: two hours ahead and a day back while mail goes out: nothing is early, late, or stalls."""
    clock = house.folder / "clock"
    clock.write_text("+0")
    watched = {"FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_CACHE_DURATION": "1"}
    daemon = await house.start(environ=_clock(**watched))
    await house.sink.do("slow", ms=20)
    now = await house.producer.ask(asks.send(asks.people(NUMBER)))
    due = asks.later(8)
    later = await house.producer.ask(asks.send(asks.people(50), delivery={"not_before": due}))
    for step in (7200.0, -86400.0):
        clock.write_text(f"{step:+.0f}")
        await until(lambda step=step: _believes(daemon, step))
        await house.sink.more(50)
    await house.sink.do("slow", ms=0)
    await house.events.completed(now.job)
    await house.events.completed(later.job)
    assert not list(daemon.lines("lease.lost"))
    assert house.events.number("delivery.in_doubt") == 0
    await house.judge()


def _believes(daemon: Daemon, step: float) -> bool:
    """Whether what it says last is dated by a clock that is wrong by so much."""
    line = next(reversed(list(daemon.lines("delivery"))), None)
    return line is not None and abs(asks.moment(line["timestamp"]) - time.time() - step) < _HOUR
