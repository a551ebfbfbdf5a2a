"""What a service manager sees of the daemon, from its start to its end."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.forms import form
from tests.stories import asks, servers
from tests.stories.house import House
from tests.stories.manager import Manager, listening
from tests.stories.process import Daemon
from tests.waiting import until

REFUSALS = form(2, 6)
"""Lines about a password that is refused: one in ten seconds."""

AWAY = "127.0.0.1:1"
"""Where nobody listens."""


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[Manager]:
    """Whoever started the daemon, and listens to it."""
    with listening(str(tmp_path / "notify")) as one:
        yield one


async def _started(house: House, manager: Manager, **more: str) -> Daemon:
    return await house.start(is_ready=False, environ={"NOTIFY_SOCKET": manager.address, **more})


async def test_the_signs_of_a_life(house: House, manager: Manager) -> None:
    """READY once it delivers, live numbers, signs of life, RELOADING with its end, STOPPING."""
    daemon = await _started(house, manager, WATCHDOG_USEC="1000000")
    await manager.until("READY=1".__eq__, "READY")
    await daemon.ready()
    await house.sink.do("slow", ms=20)
    asked = await house.producer.ask(asks.send(asks.people(200)))
    await manager.status("delivering; ", " in flight, ", " waiting, ", " untold")
    await manager.until(lambda line: "; 0 in flight" not in line and "flight" in line, "numbers")
    manager.forget()
    await manager.until("WATCHDOG=1".__eq__, "a sign of life", seconds=5)
    daemon.hangup()
    await manager.until("RELOADING=1".__eq__, "RELOADING")
    await manager.until("READY=1".__eq__, "the end of the reload")
    assert any(line.startswith("MONOTONIC_USEC=") for line in manager.said)
    daemon.terminate()
    await manager.until("STOPPING=1".__eq__, "STOPPING")
    assert await daemon.ended() == 0
    assert any(line.startswith("EXTEND_TIMEOUT_USEC=") for line in manager.said)
    await house.sink.do("slow", ms=0)
    await house.start()
    await house.events.completed(asked.job)
    await house.judge()


async def test_a_loop_that_hangs_shows(house: House) -> None:
    """H14: while the event loop stands still no sign of life is given (at an abstract socket)."""
    with listening(f"@{servers.named()}") as manager:
        daemon = await _started(house, manager, WATCHDOG_USEC="1000000")
        await daemon.ready()
        daemon.pause()  # as far as anybody outside can see, the loop hangs
        manager.forget()
        with pytest.raises(AssertionError):
            await manager.until("WATCHDOG=1".__eq__, "a sign of life", seconds=1.5)
        daemon.resume()
        await manager.until("WATCHDOG=1".__eq__, "a sign of life")
        await daemon.ready()
        await house.judge()


@pytest.mark.parametrize(
    ("section", "key", "cause"),
    [("rabbitmq", "url", "rabbitmq: "), ("postgres", "dsn", "postgres: ")],
    ids=["broker", "database"],
)
async def test_a_server_is_away_at_the_start(
    house: House, manager: Manager, section: str, key: str, cause: str
) -> None:
    """H8: it waits, alive and not ready, says for what, and leaves at once when it is told to."""
    there = house.sections[section]
    host = str(there[key]).rpartition("@")[2].partition("/")[0]
    house.sections[section] = {**there, key: str(there[key]).replace(host, AWAY)}
    daemon = await _started(house, manager)
    await manager.status(f"life: waits for {cause}", "refused")
    await manager.until(lambda line: line.startswith("EXTEND_TIMEOUT"), "a wish for more time")
    assert await daemon.answers("/livez") == (200, "ok\n")
    status, why = await daemon.answers("/readyz")
    assert status == 503
    assert cause in why
    assert "READY=1" not in manager.said
    assert len(list(daemon.lines("start.waits"))) == 1
    said = ("link.down", "life.begins", "directory.loaded")
    assert not [line for event in said for line in daemon.lines(event)]
    await daemon.stop()
    unwilling = await house.start(is_ready=False, words=["--no-wait"])
    unwilling.is_doomed = True
    assert await unwilling.ended() == 69
    assert cause in unwilling.log.splitlines()[-1]
    house.sections[section] = there
    await house.start()
    await house.judge()


@pytest.mark.parametrize("section", ["rabbitmq", "postgres"])
async def test_credentials_are_refused_at_the_start(
    house: House, manager: Manager, section: str
) -> None:
    """A19: a wrong password is waited for; one line in ten seconds says so, and never says it."""
    key = {"rabbitmq": "url", "postgres": "dsn"}[section]
    there = house.sections[section]
    wrong = str(there[key]).replace("@", "canary@")
    house.sections[section] = {**there, key: wrong}
    daemon = await _started(house, manager)
    await manager.status(f"waits for {section}: ")
    first = await daemon.waits("start.waits")
    assert first["server"] == section
    assert await daemon.answers("/livez") == (200, "ok\n")
    assert len(list(daemon.lines("start.waits"))) == 1
    await until(lambda: len(list(daemon.lines("start.waits"))) == REFUSALS, seconds=15 * REFUSALS)
    assert daemon.is_running
    await daemon.stop()
    assert {line["event"] for line in daemon.complaints} == {"start.waits"}
    assert daemon.repetitions == []
    assert "canary" not in daemon.log
    house.sections[section] = there
    await house.start()
    await house.judge()


async def test_what_time_does_not_mend_ends_the_start(house: House) -> None:
    """An address that another process listens at ends the start with 69, one line and its key."""
    first = await house.start()
    address = next(first.lines("ops.listening"))
    second = await house.start(is_ready=False, ops__listen=f"{address['host']}:{address['port']}")
    second.is_doomed = True
    assert await second.ended() == 69
    assert "ops.listen = " in second.log.splitlines()[-1]
    assert "in use" in second.log.splitlines()[-1]
    await house.judge()
