"""Two releases side by side."""

import asyncio
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.stories import asks, release
from tests.stories.house import House
from tests.stories.process import Daemon
from tests.waiting import until

FRAME = 1100
"""Recipients of a frame: three batches, so that there is one for each of two instances."""
SHARE = 10
"""Mails that an instance must have sent to have had a share."""
REFUSED = 69
"""The exit code of whoever finds a schema that isn't for him."""


@dataclass(slots=True, kw_only=True)
class Mailing:
    """A job that comes in frames, one for each stage of the story."""

    house: House
    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    frames: int = 0
    job: str = ""

    async def open(self) -> None:
        """Nobody is in it yet."""
        asked = await self.house.producer.ask(asks.send([], request_id=self.name, open=True))
        self.job = asked.job

    async def grow(self) -> None:
        """One more frame."""
        self.frames += 1
        items = asks.people(FRAME, words=f"f{self.frames}-")
        body = asks.command("extend", request_id=self.name, frame=self.frames, items=items)
        assert (await self.house.producer.ask(body)).done["counts"]["queued"] == FRAME

    async def close(self) -> None:
        """No more frames; all of them go out."""
        body = asks.command("close", request_id=self.name, frames=self.frames)
        assert (await self.house.producer.ask(body)).done["ok"]
        completed = await self.house.events.completed(self.job, seconds=60)
        assert completed.data["counts"]["sent"] == self.frames * FRAME


@pytest.mark.timeout(240)
async def test_rolling_upgrade(house: House, tmp_path: Path) -> None:
    """H11, H12: the next release takes over one by one, and both share the work meanwhile.

    It refuses a schema that its own step is missing in. That step is applied under load, and the
    release before goes on; killed, it comes back too, as it would if the upgrade were called off.
    Once only new ones run what the old ones needed is taken away, and they start no more.
    """
    ours, later = house.code, release.after_ours(tmp_path / "next")
    mailing = Mailing(house=house)
    old = await _two(house)
    await house.sink.do("slow", ms=40)
    await mailing.open()
    await mailing.grow()
    await house.sink.stored(SHARE)
    said = await _refused(house, later.code)
    assert f"missing is {later.expand}: run `deliveryd migrate`" in said
    assert await _migrated(house) == [later.expand]
    await _shared(mailing, *old)

    await old[0].stop()
    new = [await house.start()]
    await _shared(mailing, old[1], new[0])
    old[1].kill()
    house.code = ours
    old.append(await house.start())
    assert list(old[2].lines("schema.newer"))
    await _shared(mailing, old[2], new[0])

    await old[2].stop()
    house.code = later.code
    new.append(await house.start())
    assert await _versions(house) == {release.VERSION}
    assert await _migrated(house, "--contract") == [later.contract]
    await _shared(mailing, *new)
    said = await _refused(house, ours)
    assert "takes away what this program needs: this program is older" in said
    house.code = later.code
    await house.sink.do("slow", ms=0)
    await mailing.close()
    assert [one.repetitions for one in (old[0], old[2], *new)] == [[]] * 4
    await house.judge()


async def _two(house: House) -> list[Daemon]:
    """Two at once: a start takes a while, mostly by itself."""
    async with asyncio.TaskGroup() as group:
        starts = [group.create_task(house.start()) for _ in range(2)]
    return [start.result() for start in starts]


async def _shared(mailing: Mailing, *daemons: Daemon) -> None:
    """A frame and a small request come in, and each of these sends of them."""
    before = [_sent(daemon) for daemon in daemons]
    await mailing.grow()
    urgent = asks.send(["meanwhile@there.test"], **{"class": "urgent"})
    asked = await mailing.house.producer.ask(urgent)
    await mailing.house.events.completed(asked.job)
    for daemon, already in zip(daemons, before, strict=True):
        await until(lambda one=daemon, sent=already: _sent(one) >= sent + SHARE, seconds=30)


def _sent(daemon: Daemon) -> int:
    return daemon.log.count('"event":"delivery"')


async def _refused(house: House, code: Path) -> str:
    """The last words of a release that isn't to start."""
    house.code = code
    daemon = await house.start(is_ready=False)
    daemon.is_doomed = True
    assert await daemon.ended() == REFUSED
    assert "Traceback" not in daemon.log
    return daemon.log.splitlines()[-1]


async def _migrated(house: House, *words: str) -> list[str]:
    """The steps that are applied."""
    _, document = await house.typed("migrate", *words)
    applied: list[str] = document["applied"]
    return applied


async def _versions(house: House) -> set[str]:
    """What runs."""
    alive = "SELECT version FROM instance WHERE lease_until > clock_timestamp()"
    return {row["version"] for row in await house.rows(alive)}
