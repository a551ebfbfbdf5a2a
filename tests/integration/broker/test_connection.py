"""A link to a real broker: what it says when it can't, and that it comes back."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from random import Random

import pytest
import structlog
from yarl import URL

from daemon.broker import connection, depth, errors
from daemon.broker.wire import Wire


async def test_a_wrong_password(url: str) -> None:
    """A19: credentials that are no good end the start at once, and are told apart."""
    wrong = str(URL(url).with_password("wrong"))
    with pytest.raises(errors.Refused, match="ACCESS_REFUSED"):
        async with connection.connect(wrong, instance="test", role="test"):
            pass


async def test_a_virtual_host_that_is_missing(url: str) -> None:
    """A virtual host that isn't there is said in the broker's words."""
    wrong = str(URL(url).with_path("/none"))
    with pytest.raises(errors.Refused, match="vhost none not found"):
        async with connection.connect(wrong, instance="test", role="test"):
            pass


async def test_nobody_there(road, url: str) -> None:
    """Without a broker the first connect fails at once, and can be tried again."""
    road.close()
    with pytest.raises(errors.Unavailable, match="connect: 111"):
        async with connection.connect(road.url, instance="test", role="test"):
            pass


async def test_a_broker_that_says_nothing(road) -> None:
    """A port that answers nothing is given up after the time that was set."""
    road.freeze()
    with pytest.raises(errors.Unavailable, match=r"no answer within 0\.3 s"):
        async with connection.connect(road.url, instance="test", role="test", seconds=0.3):
            pass


async def test_the_name_at_the_broker(link: connection.Link) -> None:
    """Whoever looks at the broker sees which instance it is, and what for."""
    assert link._wire._under().connection_name == "deliveryd:test:test"


async def test_what_the_block_raises_comes_out_bare(url: str) -> None:
    """An error within the block isn't wrapped into a group on its way out."""
    with pytest.raises(ZeroDivisionError):
        async with connection.connect(url, instance="test", role="test"):
            raise ZeroDivisionError


async def test_it_comes_back(road, fragile: connection.Link, until) -> None:
    """A lost connection is opened again; meanwhile the link says that it is down, and why."""
    road.close()
    await until(lambda: not fragile.is_up)
    assert fragile.why_down
    await road.open()
    await until(lambda: fragile.is_up)
    assert fragile.why_down == ""


async def test_a_connection_that_is_cut_at_once_is_no_success(
    road, fragile: connection.Link, until
) -> None:
    """Where each is lost as soon as it stands the pauses grow, as where nobody is there at all."""
    tried: list[float] = []

    def heard(pauses: Iterator[float]) -> Iterator[float]:
        for pause in pauses:
            tried.append(pause)
            yield pause

    fragile._pauses = heard(connection.pauses(Random(1)))
    for _ in range(3):
        road.cut()
        await until(lambda: not fragile.is_up)
        await until(lambda: fragile.is_up)
    assert tried == list(islice(connection.pauses(Random(1)), 3))


async def test_a_connection_that_stood_is_missed(road, fragile, until, monkeypatch) -> None:
    """After one that was worth having the next is tried for soon."""
    monkeypatch.setattr(connection, "STEADY", 0.0)
    fragile._pauses = iter([60.0])
    road.cut()
    await until(lambda: not fragile.is_up)
    await until(lambda: fragile.is_up)


async def test_a_long_outage_is_no_flood(road, fragile: connection.Link, until) -> None:
    """However often it tries in vain, there is one line per cause in ten seconds."""
    with structlog.testing.capture_logs() as lines:
        road.close()
        await until(lambda: "connect: 111" in fragile.why_down)
        tries: list[str] = []
        down, fragile._down = fragile._down, lambda why: (tries.append(why), down(why))
        await until(lambda: len(tries) >= 3)
    told = [line for line in lines if line["event"] == "link.down"]
    assert len(told) == len({line["why"] for line in told})


async def test_the_broker_hangs_up(link: connection.Link, until) -> None:
    """A connection that the broker closes is opened again, and its reason kept in the log."""
    with structlog.testing.capture_logs() as lines:
        link._wire._writer.write(b"this is no frame at all")
        await until(lambda: not link.is_up)
        await until(lambda: link.is_up)
    assert any("501" in str(line.get("why")) for line in lines)


async def test_a_frozen_broker(road, fragile: connection.Link, names, requests, until) -> None:
    """Silence is noticed by the heartbeat; after the thaw the link is back within five seconds."""
    road.freeze()
    await until(lambda: not fragile.is_up)
    road.thaw()
    async with asyncio.timeout(5):
        await until(lambda: fragile.is_up)


async def test_depth(link: connection.Link, names, broker, requests) -> None:
    """A queue tells how much waits there; a missing one is an answer, and hurts nothing else."""
    found = await depth.read(link, names.normal)
    assert found == depth.Depth(queue=names.normal, waiting=0, consumers=0)
    missing = await depth.read(link, "nowhere")
    assert isinstance(missing, depth.Unread)
    assert "NOT_FOUND" in missing.why
    assert await depth.read(link, names.normal) == found


async def test_a_question_on_a_connection_that_was_lost(road) -> None:
    """Whoever asks something of a connection that has just gone hears that the broker is away."""
    wire = await Wire.open(road.url, name="t", heartbeat=10, seconds=5)
    road.cut()
    await wire.lost()
    with pytest.raises(errors.Unavailable):
        async with wire.question():
            pass
    await wire.close()
