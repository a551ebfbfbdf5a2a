"""Passwords are changed while mail goes out: a relay's, and those of the servers."""

import pytest

from tests.checker import record
from tests.stories import asks, broker_troubles, servers
from tests.stories.house import House
from tests.stories.process import Daemon
from tests.stories.servers import Pair
from tests.waiting import until

OFFERED = ["pipelining", "8bitmime", "size", "starttls", "auth"]
OLD, NEW = "canary-old", "canary-new"


async def test_of_a_relay(house: House) -> None:
    """H7: who is logged in goes on, who isn't waits for the reload; nobody bounces, none is lost.

    The relay is over verified TLS; what goes out goes out as the one who logged in.
    """
    sink = house.sink
    certificate = (await sink.do("capabilities", names=OFFERED))["certificate"]
    await sink.do("password", user="me", password=OLD)
    house.transport |= {"tls": "starttls", "username": "me", "password": OLD}
    house.transport |= {"max_connections": 2, "messages_per_connection": 20}
    daemon = await house.start(environ={"SSL_CERT_FILE": certificate}, delivery__idle="1s")
    await sink.do("slow", ms=20)
    asked = await house.producer.ask(asks.send(asks.people(300)))
    await sink.stored(30)
    await sink.do("password", user="me", password=NEW)
    await sink.more(1)
    refused = await house.events.count("delivery.deferred", 3)
    assert {event.data["code"] for event in refused} == {535}
    await until(lambda: _is_quiet(house))
    stood = len(sink.copies)
    house.transport["password"] = NEW
    await sink.do("slow", ms=0)
    house.written()
    await daemon.reloaded()
    await house.events.completed(asked.job, seconds=60)
    assert stood < len(sink.copies) == 300
    stored = [line for line in record.lines(sink.path) if line["kind"] == "stored"]
    assert {line["user"] for line in stored} == {"me"}
    assert house.events.number("delivery.in_doubt") == 0
    assert "canary" not in daemon.log
    await house.judge()


async def _is_quiet(house: House) -> bool:
    """Whether nobody is connected any more who could log in with what holds no longer."""
    stats = await house.sink.control.stats()
    now: int = stats["connections"]["now"]
    return now == 0


@pytest.mark.timeout(120)
async def test_of_the_servers(breakable: House, pair: Pair) -> None:
    """H7: instances go on with the connections that they have, until each is started anew.

    One whose connections are lost before that says who refuses it, and what it had is taken over.
    """
    house = breakable
    await _made(house, pair)
    shortly = {"environ": _credentials(house, OLD), "instance__stop_deadline": "2s"}
    old = [await house.start(**shortly) for _ in range(2)]
    await house.sink.do("slow", ms=100)
    asked = await house.producer.ask(asks.send(asks.people(1000)))
    await house.sink.stored(30)
    await _changed(house, pair)
    await house.sink.more(30)
    later = await house.producer.ask(asks.send(["later@there.test"], **{"class": "urgent"}))
    await house.events.completed(later.job)
    await old[0].stop()
    new = await house.start(environ=_credentials(house, NEW))
    await _thrown_out(house, pair, old[1])
    await house.sink.do("slow", ms=0)
    await house.events.completed(asked.job, seconds=60)
    assert new.is_running
    assert not [one for one in house.daemons if "canary" in one.log]
    await house.judge()


def _credentials(house: House, secret: str) -> dict[str, str]:
    return {
        "DELIVERYD_POSTGRES__DSN": servers.as_user(house.dsn, house.prefix, secret),
        "DELIVERYD_RABBITMQ__URL": servers.as_user(house.url, house.prefix, secret),
    }


async def _made(house: House, pair: Pair) -> None:
    """A user of our own at both servers, who may all that everybody's may."""
    await pair.psql("-c", f"CREATE ROLE {house.prefix} LOGIN PASSWORD '{OLD}' IN ROLE deliveryd")
    await pair.rabbitmqctl("add_user", house.prefix, OLD)
    await pair.rabbitmqctl("set_permissions", house.prefix, ".*", ".*", ".*")


async def _changed(house: House, pair: Pair) -> None:
    await pair.psql("-c", f"ALTER ROLE {house.prefix} PASSWORD '{NEW}'")
    await pair.rabbitmqctl("change_password", house.prefix, NEW)


async def _thrown_out(house: House, pair: Pair, daemon: Daemon) -> None:
    """Its connections are cut; it names the cause, and ends with what it couldn't store on disk."""
    theirs = (
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{house.prefix}'"
    )
    await pair.psql("-c", theirs)
    await daemon.names("postgres", "28P01")
    await broker_troubles.hung_up(pair)
    await daemon.names("rabbitmq", "ACCESS_REFUSED")
    daemon.is_doomed = True
    daemon.terminate()
    assert await daemon.ended() in (0, 75)
    assert daemon.repetitions == []
