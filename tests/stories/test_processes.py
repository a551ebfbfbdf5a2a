"""`serve --processes 2`: several instances as one."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.stories import asks
from tests.stories.house import House
from tests.stories.manager import Manager, listening
from tests.stories.process import Daemon
from tests.waiting import until

TWO = ("--processes", "2")
PATIENCE = 30.0


async def _pids(daemon: Daemon, number: int = 2) -> list[int]:
    """Of the first processes that it has started."""
    await until(lambda: len(list(daemon.lines("process.started"))) >= number, seconds=PATIENCE)
    return [line["pid"] for line in daemon.lines("process.started")][:number]


async def _all_ready(daemon: Daemon) -> None:
    await until(lambda: _says(daemon, ""), seconds=PATIENCE)


async def _says(daemon: Daemon, words: str) -> bool:
    """Whether it is ready, and says this of what isn't well; nothing = all is."""
    status, told = await daemon.answers("/readyz")
    return status == 200 and (words in told if words else told == "ok\n")


async def _sum(daemon: Daemon, sample: str, **labels: str) -> float:
    _, text = await daemon.answers("/metrics")
    return sum(
        one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name == sample and labels.items() <= one.labels.items()
    )


def _gone(pids: Sequence[int]) -> bool:
    return not any(Path(f"/proc/{pid}/cmdline").exists() for pid in pids)


def _folders(room: Path) -> list[Path]:
    """What supervisors have left there."""
    return list(room.glob("deliveryd-*"))


async def test_one_is_killed(house: House) -> None:
    """Another one takes its place at once, nothing is lost, and no counter goes down."""
    daemon = await house.start(words=TWO)
    killed, other = await _pids(daemon)
    await _all_ready(daemon)
    await house.sink.do("slow", ms=10)
    asked = await house.producer.ask(asks.send(asks.people(600)))
    await house.sink.stored(150)
    before = await _sum(daemon, "deliveryd_attempts_total", outcome="sent")
    assert before > 0
    os.kill(killed, signal.SIGKILL)
    await _pids(daemon, 3)
    assert await _sum(daemon, "deliveryd_attempts_total", outcome="sent") >= before
    await house.sink.do("slow", ms=0)
    await house.events.completed(asked.job, seconds=60)
    await _all_ready(daemon)
    ended = next(daemon.lines("process.ended"))
    assert ended["why"] == "killed by SIGKILL"
    assert await _sum(daemon, "deliveryd_process_restarts_total") == 1
    assert not _gone([other])
    await house.judge()


async def test_they_look_like_one(house: House, tmp_path: Path) -> None:
    """READY when all are; numbers, checks and metrics over all; a reload, and a stop, reach all."""
    room = tmp_path / "room"
    room.mkdir()
    with listening(str(tmp_path / "notify")) as manager:
        daemon = await house.start(
            is_ready=False,
            words=TWO,
            environ={
                "NOTIFY_SOCKET": manager.address,
                "WATCHDOG_USEC": "20000000",
                "TMPDIR": str(room),
            },
        )
        await manager.until("READY=1".__eq__, "READY", seconds=PATIENCE)
        assert len({line["process"] for line in daemon.lines("life.begins")}) == 2
        await manager.status("delivering; ", " in flight, ", "2 of 2 processes ready")
        await manager.until("WATCHDOG=1".__eq__, "a sign of life")
        await house.sink.do("slow", ms=5)
        asked = await house.producer.ask(asks.send(asks.people(200)))
        await manager.until(
            lambda line: line.startswith("STATUS=delivering") and "; 0 in flight" not in line,
            "numbers",
        )
        await house.events.completed(asked.job)
        await until(lambda: _summed(daemon))
        await _reload(house, daemon, manager)
        daemon.terminate()
        await manager.until("STOPPING=1".__eq__, "STOPPING")
        assert await daemon.ended() == 0
        assert _gone(await _pids(daemon))
        assert _folders(room) == []
        await house.judge()


async def _summed(daemon: Daemon) -> bool:
    """Both have their share in what was sent, once each."""
    sent = await _sum(daemon, "deliveryd_attempts_total", outcome="sent")
    assert await _sum(daemon, "deliveryd_processes_up") == 2
    assert await _sum(daemon, "deliveryd_build_info") == 2
    assert await _sum(daemon, "process_open_fds", process="2") > 0
    return sent == 200 and await _sum(daemon, "deliveryd_attempt_seconds_count") == 200


async def _reload(house: House, daemon: Daemon, manager: Manager) -> None:
    house.transport["max_connections"] = 7
    house.written()
    manager.forget()
    daemon.hangup()
    await manager.until("RELOADING=1".__eq__, "RELOADING")
    await manager.until("READY=1".__eq__, "the end of the reload")
    done = list(daemon.lines("reload.done"))
    assert sorted(line["process"] for line in done) == [1, 2]
    assert all(line["changed"] == ["transport.1.max_connections: 10 → 7"] for line in done)


async def test_nobody_is_left_behind(house: House, tmp_path: Path) -> None:
    """No process outlives its supervisor: killed, they stop in order; at once means all of them."""
    killed = await house.start(words=TWO)
    pids = await _pids(killed)
    killed.kill()
    await until(lambda: _gone(pids), seconds=PATIENCE)
    assert len(list(killed.lines("supervisor.gone"))) == 2
    hasty = await house.start(words=TWO, environ={"TMPDIR": str(tmp_path)})
    hasty.is_doomed = True
    pair = await _pids(hasty)
    await house.producer.ask(asks.send(["stall-at-dot-2+p@there.test"]))
    await house.sink.stored(1)
    hasty.terminate()
    await hasty.drains()
    hasty.terminate()
    assert await hasty.ended() == 1
    await until(lambda: _gone(pair), seconds=PATIENCE)
    assert _folders(tmp_path) == []
    await house.start()
    await house.judge()


async def test_one_that_dies_again_and_again(house: House) -> None:
    """It is started after longer and longer pauses, `/readyz` names it, and the rest goes on."""
    daemon = await house.start(words=TWO)
    daemon.may_fail = True
    first, _ = await _pids(daemon)
    await _all_ready(daemon)
    config = house.written()
    whole = config.read_text()
    config.write_text(whole.replace("port = ", "prot = "))
    os.kill(first, signal.SIGKILL)
    await until(lambda: _says(daemon, "process 1: ended with 78; after 1 s"), seconds=PATIENCE)
    asked = await house.producer.ask(asks.send(asks.people(20)))
    await house.events.completed(asked.job)
    config.write_text(whole)
    await _all_ready(daemon)
    await house.judge()


async def test_one_that_hangs(house: House, tmp_path: Path) -> None:
    """H14: whose loop doesn't turn is killed and replaced; signs of life go on for the rest."""
    with listening(str(tmp_path / "notify")) as manager:
        daemon = await house.start(
            words=TWO, environ={"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "10000000"}
        )
        frozen, _ = await _pids(daemon)
        await _all_ready(daemon)
        os.kill(frozen, signal.SIGSTOP)
        await daemon.waits("process.hangs")
        await _pids(daemon, 3)
        await _all_ready(daemon)
        manager.forget()
        await manager.until("WATCHDOG=1".__eq__, "a sign of life")
        asked = await house.producer.ask(asks.send(asks.people(20)))
        await house.events.completed(asked.job)
        await house.judge()


async def test_what_time_does_not_mend(house: House) -> None:
    """A start that is impossible for each of them is impossible for all: 69, with its cause."""
    daemon = await house.start(is_ready=False, words=TWO, instance__state_dir="/dev/null/nowhere")
    daemon.is_doomed = True
    assert await daemon.ended() == 69
    assert "instance.state_dir" in daemon.log
    assert _gone(await _pids(daemon))
    await house.start()
    await house.judge()
