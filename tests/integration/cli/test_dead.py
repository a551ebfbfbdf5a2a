"""Dead letters: looked at, put back, dropped; at a real broker, with nobody behind the queues."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from daemon.broker import connection, dead, topology
from daemon.broker.dead import Death
from daemon.broker.parcel import Outgoing, Parcel
from daemon.broker.publisher import BatchPublisher
from tests.integration.cli.conftest import Typed

TOP = Path(__file__).parents[3]
PATIENCE = 20.0
Bury = Callable[..., Awaitable[None]]


@pytest.fixture
async def publisher(url: str, channel: AbstractChannel) -> AsyncIterator[BatchPublisher]:
    """A publisher to a broker with the topology."""
    assert channel
    async with connection.connect(url, instance="test", role="test") as link:
        yield BatchPublisher(link)


@pytest.fixture
def bury(publisher: BatchPublisher, prefix: str) -> Bury:
    """Puts parcels with these keys to the dead letters, as intake does."""
    names = topology.names(prefix)

    async def bury(*keys: str, **more: Any) -> None:
        said = {"reason": "internal", "detail": "Oops", "queue": names.normal, "customer": 7}
        said |= {name: more.pop(name) for name in (*said, "at") if name in more}
        death = Death(**{"at": datetime.now(UTC), **said})
        plain: dict[str, Any] = {
            "body": b'{"v": 1}', "size": 8, "queue": names.normal, "session": 1, "tag": 1,
            "routing_key": "request.normal", "redelivered": False, "headers": {"trace": "t"},
        }  # fmt: skip
        letters = [dead.buried(Parcel(**plain | more, message_id=key), death) for key in keys]
        assert (await publisher.publish(names.dead, letters, seconds=PATIENCE)).all_taken

    return bury


@pytest.fixture
def on_queue(channel: AbstractChannel, prefix: str) -> Callable[..., Awaitable[list[Any]]]:
    """What lies on a queue, taken off it."""

    async def taken(queue: str = "") -> list[AbstractIncomingMessage]:
        name = queue or topology.names(prefix).normal
        handle = await channel.get_queue(name, ensure=False)
        found = []
        while (message := await handle.get(fail=False, no_ack=True)) is not None:
            found.append(message)
        return found

    return taken


async def ids(typed: Typed, *words: str) -> list[str]:
    """The message ids that are listed."""
    ended = await typed("dead", "list", "--json", *words)
    assert (ended.code, ended.err) == (0, "")
    return [one["message_id"] for one in ended.document["dead"]]


def _own(message: AbstractIncomingMessage) -> dict[str, Any]:
    """Headers, without the one that the queue it lies on adds."""
    return {name: value for name, value in message.headers.items() if name != "x-delivery-count"}


async def test_a_look_takes_nothing(bury: Bury, typed: Typed) -> None:
    """However often they are listed, all stay, in their order."""
    keys = [f"m{number}" for number in range(150)]
    await bury(*keys)
    for _ in range(3):
        assert await ids(typed, "--limit", "1000") == keys
    ended = await typed("dead", "list", "--limit", "2")
    assert ended.out.splitlines()[-1] == "2 of 150 dead letters: see --limit"


async def test_filters(bury: Bury, typed: Typed, prefix: str) -> None:
    """Reason, queue, customer and age are looked for in what the letters say of themselves."""
    hour = datetime.now(UTC) - timedelta(hours=1)
    await bury("old", at=hour, reason="bad_json")
    await bury("ours")
    await bury("theirs", customer=8, queue=f"{prefix}.requests.urgent")
    assert await ids(typed, "--reason", "bad_json") == ["old"]
    assert await ids(typed, "--older", "30m") == ["old"]
    assert await ids(typed, "--newer", "30m", "--customer", "7") == ["ours"]
    assert await ids(typed, "--queue", f"{prefix}.requests.urgent") == ["theirs"]
    assert await ids(typed, "--customer", "9") == []
    assert (await typed("dead", "list", "--older", "soon")).code == 2
    wrong = await typed("dead", "list", "--reason", "nonsense")
    assert (wrong.code, wrong.out) == (2, "")
    assert "delivery_limit" in wrong.err


async def test_shown(bury: Bury, typed: Typed) -> None:
    """A letter tells why it died and how it was published; its body only when that is asked for."""
    await bury("m1", body=b'{"to":"ann@x.test"}', reply_to="me", user_id="shop")
    [one] = (await typed("dead", "list", "--json")).document["dead"]
    for name in (one["id"], one["id"][:4].upper(), "m1"):
        ended = await typed("dead", "show", name)
        assert ended.code == 0
        for said in ("Oops", "internal", "request.normal", "me", "shop", "header trace  t"):
            assert said in ended.out
        assert "ann" not in ended.out
    assert "ann@x.test" in (await typed("dead", "show", "m1", "--body")).out
    [shown] = (await typed("dead", "show", "m1", "--body", "--json")).document["dead"]
    assert (shown["body"], shown["headers"]) == ('{"to":"ann@x.test"}', {"trace": "t"})


async def test_put_back_as_it_was(bury: Bury, typed: Typed, on_queue: Any) -> None:
    """A replay publishes the chosen ones as they were; the others stay, in their order."""
    await bury("a", "b", "c", "d", type="smsby", correlation_id="c1", reply_to="me")
    ended = await typed("dead", "replay", "b", "d", "--json")
    assert (ended.code, ended.document) == (0, {"replayed": 2, "left": []})
    found = await on_queue()
    assert [message.message_id for message in found] == ["b", "d"]
    assert {(m.type, m.correlation_id, m.reply_to, m.routing_key) for m in found} == {
        ("smsby", "c1", "me", "request.normal")
    }
    assert [_own(message) for message in found] == [{"trace": "t"}] * 2
    assert await ids(typed) == ["a", "c"]


async def test_the_brokers_own(
    channel: AbstractChannel, typed: Typed, on_queue: Any, publisher: BatchPublisher, prefix: str
) -> None:
    """What the broker has put away is listed with its reason, and goes back without its traces.

    It was rejected, which we do with what is too large and nothing else.
    """
    names = topology.names(prefix)
    parcel = Outgoing(routing_key="request.urgent", body=b"{}", message_id="m1", type="")
    assert (await publisher.publish(names.requests, [parcel], seconds=PATIENCE)).all_taken
    queue = await channel.get_queue(names.urgent, ensure=False)
    message = await queue.get(timeout=PATIENCE)
    assert message is not None
    await message.reject(requeue=False)
    async with asyncio.timeout(PATIENCE):
        while not await ids(typed, "--reason", "too_large", "--queue", names.urgent):
            pass
    assert (await typed("dead", "replay", "--all")).code == 0
    [back] = await on_queue(names.urgent)
    assert (back.message_id, back.routing_key, _own(back)) == ("m1", "request.urgent", {})


async def test_names_that_are_not_enough(bury: Bury, typed: Typed, on_queue: Any) -> None:
    """An unknown name, or none at all, does nothing; copies of one letter share a name."""
    await bury("a", "a", "b")
    assert (await typed("dead", "replay", "a", "nobody")).code == 1
    assert (await typed("dead", "replay")).code == 2
    assert (await typed("dead", "drop", "a", "--all")).code == 2
    assert (await typed("dead", "show", "")).code == 1
    assert await on_queue() == []
    assert (await typed("dead", "replay", "a", "--json")).document["replayed"] == 2
    assert await ids(typed) == ["b"]


async def test_what_nobody_takes_stays(bury: Bury, typed: Typed, on_queue: Any) -> None:
    """A letter whose way back is gone, or whose user we mayn't be, stays and says what to mend."""
    await bury("lost", routing_key="nowhere")
    await bury("foreign", user_id="shop")
    await bury("good")
    ended = await typed("dead", "replay", "--all")
    assert ended.code == 1
    assert "1 dead letter put back" in ended.out
    assert "no queue takes nowhere" in ended.out
    assert "set_user_tags" in ended.out
    assert [message.message_id for message in await on_queue()] == ["good"]
    assert await ids(typed) == ["lost", "foreign"]


async def test_dropped(bury: Bury, typed: Typed) -> None:
    """A letter is dropped only after a yes; where nobody can be asked, only with --yes."""
    await bury("a", "b", "c")
    ended = await typed("dead", "drop", "b")
    assert (ended.code, ended.err) == (
        2, "deliveryd: Drop 1 dead letter for good? Nobody is there to ask: add --yes\n",
    )  # fmt: skip
    assert await ids(typed) == ["a", "b", "c"]
    assert (await typed("dead", "drop", "b", "--yes")).out == "1 dead letter dropped\n"
    assert await ids(typed) == ["a", "c"]


async def test_no_queue_and_no_broker(typed: Typed) -> None:
    """What is missing is named in a line, with exit 69."""
    ended = await typed("dead", "list")
    assert (ended.code, ended.err.count("\n")) == (69, 1)
    assert "no queue" in ended.err
    ended = await typed("dead", "list", "--set", "rabbitmq.url=amqp://127.0.0.1:1/")
    assert (ended.code, ended.err.count("\n")) == (69, 1)


async def test_killed_in_between(bury: Bury, typed: Typed, on_queue: Any, config: Path) -> None:
    """A21: killed after it has published, a replay leaves the letters, to be replayed as before."""
    await bury("a", "b")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "daemon", "dead", "replay", "--all", "--config", str(config)),
        cwd=TOP,
        env=os.environ | {"DELIVERYD_CRASH": "dead.published:1"},
    )
    async with asyncio.timeout(PATIENCE):
        assert await process.wait() == -signal.SIGKILL
    assert await ids(typed) == ["a", "b"]
    assert (await typed("dead", "replay", "--all")).code == 0
    assert [message.message_id for message in await on_queue()] == ["a", "b", "a", "b"]
