"""The ops endpoint, asked over loopback."""

import asyncio
import json
import time

import aiohttp
import pytest

from daemon import metrics
from daemon.config import Address
from daemon.web import asking, ops
from daemon.web.health import Health

DEADLINE = 10


@pytest.fixture
def health():
    """Two checks, both well."""
    health = Health(expected=("postgres", "rabbitmq"))
    health.report("postgres", ok=True)
    health.report("rabbitmq", ok=True)
    return health


@pytest.fixture
async def ask(health):
    """A function that asks the running endpoint; it gives status, headers and text."""
    loop = asyncio.get_running_loop()
    bound = loop.create_future()
    serving = ops.serve(
        Address(host="127.0.0.1", port=0),
        health,
        about={"version": "1.2", "instance": "a"},
        bound=bound.set_result,
    )
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
        task = group.create_task(serving, name="ops")
        address = await bound
        async with aiohttp.ClientSession(f"http://{address}") as session:

            async def request(path, method="GET", **headers):
                async with session.request(method, path, headers=headers) as answer:
                    return answer.status, answer.headers, await answer.text()

            yield request
        task.cancel()


@pytest.mark.parametrize("path", ["/livez", "/healthz", "/-/healthy", "/readyz", "/-/ready"])
async def test_well(ask, path):
    """All is well, under every name people are used to."""
    assert (await ask(path))[::2] == (200, "ok\n")


async def test_alive_is_not_ready(ask, health):
    """Without its database it isn't ready and says why, but it is alive."""
    health.report("postgres", ok=False, reason="connection refused")
    assert (await ask("/readyz"))[::2] == (503, "postgres: connection refused\n")
    assert (await ask("/livez"))[0] == 200
    health.report("postgres", ok=True)
    assert (await ask("/-/ready"))[0] == 200


async def test_ready_and_not_well(ask, health):
    """What only holds something up is said, and takes nobody out of service (E5)."""
    health.report("events", ok=False, reason="blocked: low on disk", vital=False)
    assert (await ask("/readyz"))[::2] == (200, "ok\nevents: blocked: low on disk\n")
    content = json.loads((await ask("/readyz?verbose"))[2])
    assert (content["ready"], content["well"]) == (True, False)
    assert not content["checks"]["events"]["vital"]
    health.report("postgres", ok=False, reason="away")
    assert (await ask("/readyz"))[::2] == (503, "postgres: away\nevents: blocked: low on disk\n")


async def test_verbose(ask, health):
    """`?verbose` tells each check by itself, with how long it has been so."""
    health.report("rabbitmq", ok=False, reason="login of bob@example.com refused")
    status, headers, text = await ask("/readyz?verbose")
    content = json.loads(text)
    assert status == 503
    assert headers["Content-Type"] == "application/json"
    assert not content["ready"]
    assert content["checks"]["postgres"]["ok"]
    assert content["checks"]["rabbitmq"]["reason"] == "login of b***@example.com refused"
    assert content["checks"]["rabbitmq"]["for_seconds"] >= 0


async def test_draining(ask, health):
    """A daemon that is about to stop says so while everything still works."""
    health.drain()
    status, _, text = await ask("/readyz")
    assert (status, text) == (503, "draining: about to stop\n")
    assert (await ask("/livez"))[0] == 200


async def test_not_there_yet():
    """What was expected and has not reported is not well."""
    health = Health(expected=("postgres",))
    assert not health.is_ready
    assert health.reasons == ["postgres: not there yet"]


async def test_metrics(ask, health):
    """Every metric, the checks among them, in the scraper's format."""
    health.report("postgres", ok=False)
    _, headers, text = await ask("/metrics")
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'deliveryd_check_ok{check="postgres"} 0.0' in text
    assert 'deliveryd_check_ok{check="rabbitmq"} 1.0' in text
    openmetrics = {"Accept": "application/openmetrics-text;version=1.0.0"}
    assert (await ask("/metrics", **openmetrics))[2].endswith("# EOF\n")


async def test_version(ask):
    """What is running, and nothing about what it is made of."""
    status, headers, text = await ask("/version")
    assert status == 200
    assert json.loads(text) == {"version": "1.2", "instance": "a"}
    assert headers["Server"] == "deliveryd"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/version"])
async def test_only_reading(ask, path):
    """GET and HEAD; whoever wants to change something is in the wrong place."""
    status, _, text = await ask(path, "HEAD")
    assert (status, text) == (200, "")
    for method in ("POST", "PUT", "DELETE"):
        assert (await ask(path, method))[0] == 405


async def test_unknown_path(ask):
    """What isn't here is 404."""
    assert (await ask("/"))[0] == 404


async def test_late_loop_is_seen(ask):
    """Something that blocks the loop shows in its metric."""
    before = time.monotonic()
    while metrics.loop_lag_max_seconds._value.get() < 0.2 and time.monotonic() < before + DEADLINE:
        time.sleep(0.8)  # noqa: ASYNC251 - this is the fault
        await ask("/livez")
    assert metrics.loop_lag_max_seconds._value.get() >= 0.2


async def test_port_in_use(ask, health):
    """Two can't listen at one place, and the second one hears of it."""
    async with asyncio.timeout(DEADLINE):
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(ops.CannotListen, match="in use"):
                await ops.serve(Address(host="127.0.0.1", port=port), health, about={})


@pytest.mark.parametrize("size", [10, 1_000_000])
async def test_one_process_asks_another(health, tmp_path, size) -> None:
    """A page comes whole, however long it is; over a socket that nobody else can reach."""
    page = b"# " + b"x" * size + b"\n"

    async def render(_: str) -> tuple[bytes, str]:
        return page, "text/plain"

    bound = asyncio.get_running_loop().create_future()
    listen = Address(path=str(tmp_path / "ops"))
    serving = ops.serve(listen, health, about={}, render=render, bound=bound.set_result)
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
        task = group.create_task(serving, name="ops")
        await bound
        assert await asking.metrics_at(listen.path, seconds=5) == page.decode()
        task.cancel()
