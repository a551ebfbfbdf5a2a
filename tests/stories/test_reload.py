"""The configuration is read again."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from tests.checker.evidence import Limits
from tests.stories import asks, config
from tests.stories.house import House
from tests.stories.process import Daemon
from tests.waiting import until

NUMBER = 500
FEW = 2

Spoil = Callable[[Path], None]


def _with(text: str) -> Spoil:
    return lambda path: path.write_text(path.read_text() + text)


def _instead(old: str, new: str) -> Spoil:
    return lambda path: path.write_text(path.read_text().replace(old, new))


BROKEN: dict[str, tuple[Spoil, str]] = {
    "syntax": (_with("\n[oops\n"), "is not TOML"),
    "half-written": (lambda path: path.write_text(path.read_text()[:-9]), "story.toml:"),
    "empty": (lambda path: path.write_text(""), "is empty"),
    "gone": (lambda path: path.unlink(), "can't be read"),
    "not UTF-8": (lambda path: path.write_bytes(b"\xff\xfe"), "is not UTF-8"),
    "unknown key": (_instead("max_connections", "max_conections"), "max_conections: unknown key"),
    "unknown section": (_with("\n[lgo]\nlevel = 'info'\n"), "lgo: unknown key"),
    "wrong type": (_instead('first = "1s"', "first = 1"), "retry.first: must be a duration"),
    "missing secret": (
        _instead('token = "story-token"', 'token = "file:/nowhere/token"'),
        "token[0].token: names the file /nowhere/token",
    ),
    "missing variable": (
        _instead('token = "story-token"', 'token = "env:NOBODY_SET_IT"'),
        "token[0].token: names the environment variable",
    ),
    "out of range": (_instead("port = ", "port = 9"), "transport[0].port: "),
    "login in clear": (
        _instead('tls = "none"', 'tls = "none"\nusername = "me"\npassword = "canary"'),
        "transport[0].tls: would send username and password without verified TLS",
    ),
    "doesn't fit": (_instead("customer = 1", "customer = 7"), "names customer 7"),
}


async def _metric(daemon: Daemon, name: str) -> float:
    _, text = await daemon.answers("/metrics")
    found = [line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(found[0])


async def _reloaded(house: House, daemon: Daemon) -> dict[str, list[str]]:
    """Writes the story's configuration, has it read, and waits until it is in force."""
    house.written()
    return await daemon.reloaded()


async def test_a_broken_file_changes_nothing(house: House) -> None:
    """H6: whatever is wrong with the file is said with its place, and the old one stays."""
    daemon = await house.start()
    for place, (spoil, wanted) in enumerate(BROKEN.values(), 1):
        spoil(house.written())
        daemon.hangup()
        await until(lambda: len(list(daemon.lines("reload.refused"))) == place)  # noqa: B023
        flaws = list(daemon.lines("reload.refused"))[-1]["flaws"]
        assert any(wanted in flaw for flaw in flaws), flaws
        assert all("story.toml" in flaw for flaw in flaws), flaws
        assert await _metric(daemon, "deliveryd_config_last_reload_successful") == 0
    asked = await house.producer.ask(asks.send(["after@there.test"]))
    await house.events.completed(asked.job)
    await _reloaded(house, daemon)
    assert await _metric(daemon, "deliveryd_config_last_reload_successful") == 1
    await house.judge()


async def test_who_may_ask_and_for_how_much(house: House) -> None:
    """Customers, their tokens and the longest parcel are those of the last reload."""
    daemon, ask = await house.start(), house.producer.ask
    form = {"method": "sendEmail", "sender_email": asks.FROM, "sender_name": "The shop"}
    form |= {"subject": "Hello", "message": "Here", "email": "ann@there.test"}
    assert (await ask({**form, "token": config.TOKEN}, kind="smsby")).said["status"] == "OK"
    _instead(config.TOKEN, "another-token")(house.written())
    await daemon.reloaded()
    assert (await ask({**form, "token": config.TOKEN}, kind="smsby")).said["status"] == "error"
    assert (await ask({**form, "token": "another-token"}, kind="smsby")).said["status"] == "OK"
    _instead('name = "Story"', 'name = "Story"\nstatus = "locked"')(house.written())
    await daemon.reloaded()
    refused = await ask(asks.send(["ann@there.test"]))
    assert [error["code"] for error in refused.said["errors"]] == ["forbidden.plan"]
    long = {"messages": [{"subject": "x", "text": "x" * 2000}]}
    house.sections["intake"] = {**house.sections["intake"], "max_parcel": "1KiB"}
    await _reloaded(house, daemon)
    refused = await ask(json.dumps(asks.send(["ann@there.test"], **long)).encode())
    assert [error["code"] for error in refused.said["errors"]] == ["too_large"]
    assert (await ask(asks.send(["ann@there.test"]))).request.is_positive
    house.sections["intake"] = {**house.sections["intake"], "max_parcel": "1MiB"}
    await _reloaded(house, daemon)
    assert (await ask(asks.send(["ann@there.test"], **long))).request.is_positive
    await house.judge()


async def test_what_changed_is_said(house: House) -> None:
    """A reload says what changed and from what to what, no secret, and what waits for a restart."""
    daemon = await house.start()
    login = {"tls": "starttls", "username": "me", "password": "canary"}
    house.transport |= {"max_connections": 7, **login}
    house.sections["rabbitmq"] = {**house.sections["rabbitmq"], "heartbeat": "20s"}
    said = await _reloaded(house, daemon)
    assert said["changed"] == [
        "transport.1.tls: none → starttls",
        "transport.1.username: empty → me",
        "transport.1.password: empty → ***",
        "transport.1.max_connections: 10 → 7",
    ]
    assert said["needs_restart"] == ["rabbitmq.heartbeat: 10s → 20s"]
    house.transport |= {"tls": "none", "username": "", "password": ""}
    house.sections["rabbitmq"] = {**house.sections["rabbitmq"], "heartbeat": "10s"}
    said = await _reloaded(house, daemon)
    assert said["needs_restart"] == []
    assert "canary" not in daemon.log
    await house.judge()


async def test_limits_under_load(house: House) -> None:
    """H7: a lower limit holds within 2 s, at every instance, and no transaction is broken off."""
    house.transport["max_connections"] = 8
    daemons = [await house.start() for _ in range(2)]
    await house.sink.do("slow", ms=20)
    asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
    await house.sink.stored(100)
    house.transport["max_connections"] = FEW
    for daemon in daemons:
        await _reloaded(house, daemon)
    await until(lambda: _at_most(house, FEW), seconds=2)
    await house.sink.more(20)
    assert await _open(house) <= FEW
    house.transport["max_connections"] = 8
    for daemon in daemons:
        await _reloaded(house, daemon)
    await until(lambda: _more_than(house, FEW), seconds=5)
    await house.events.completed(asked.job, seconds=60)
    assert house.events.number("delivery.in_doubt") == 0
    assert house.events.number("delivery.deferred") == 0
    await house.judge(limits=Limits(connections=8))


async def test_a_rate_under_load(house: House) -> None:
    """H7: a rate that is set while mail goes out holds within 2 s."""
    daemon = await house.start()
    await house.sink.do("slow", ms=20)
    asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
    await house.sink.stored(50)
    house.transport["max_per_second"] = 10.0
    await _reloaded(house, daemon)
    await asyncio.sleep(2)  # the promise itself: by then it holds
    before = len(house.sink.copies)
    await asyncio.sleep(2)
    assert len(house.sink.copies) - before <= 25
    house.transport["max_per_second"] = 0.0
    await house.sink.do("slow", ms=0)
    await _reloaded(house, daemon)
    await house.events.completed(asked.job)
    await house.judge()


async def test_a_transport_leaves_and_returns(house: House) -> None:
    """H7: a transport that is taken out is used no more; its mail is held, and goes on later."""
    daemons = [await house.start() for _ in range(2)]
    await house.sink.do("slow", ms=20)
    asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
    await house.sink.stored(50)
    house.is_relayed = False
    for daemon in daemons:
        await _reloaded(house, daemon)
        await daemon.waits("lane.let_go")
    await until(lambda: _at_most(house, 0))
    stood = len(house.sink.copies)
    _, traced = await house.typed("trace", f"p{NUMBER - 1}@there.test")
    assert "not in use any more" in str(traced)
    await until(lambda: _says(daemons[0], "not in use, and mail waits for it: sink"))
    assert len(house.sink.copies) == stood < NUMBER
    house.is_relayed = True
    await house.sink.do("slow", ms=0)
    for daemon in daemons:
        await _reloaded(house, daemon)
    await house.events.completed(asked.job, seconds=60)
    assert house.events.number("delivery.in_doubt") == 0
    await house.judge()


async def _says(daemon: Daemon, words: str) -> bool:
    """Whether it is ready, and says this of what isn't well."""
    status, why = await daemon.answers("/readyz?verbose")
    return status == 200 and words in why


async def _at_most(house: House, number: int) -> bool:
    return await _open(house) <= number


async def _more_than(house: House, number: int) -> bool:
    return await _open(house) > number


async def _open(house: House) -> int:
    """SMTP connections that are open at the sink now."""
    stats = await house.sink.control.stats()
    now: int = stats["connections"]["now"]
    return now
