"""Requests of the control channel, without the channel."""

import asyncio
import json

import pytest

from daemon.sink import mode
from daemon.sink.control import VERBS, Control
from daemon.sink.server import Server, split
from daemon.sink.sink import Sink


async def played(*requests, sink=None):
    """The answers to these requests."""
    sink = sink or Sink()
    async with asyncio.TaskGroup() as tasks:
        control = Control(sink, Server(sink, tasks), tasks)
        return [await control.answer(json.dumps(request)) for request in requests]


async def test_a_mode_is_added_and_cleared():
    """Acts add up until their phase or everything is cleared."""
    sink = Sink()
    refuse = {"do": "mode", "phase": "rcpt", "act": "refuse", "code": 450, "times": 2}
    stall = {"do": "mode", "phase": "dot", "act": "stall", "seconds": 2}
    answers = await played(refuse, stall, sink=sink)
    assert [answer["word"] for answer in answers] == ["mode-1-refuse", "mode-2-stall"]
    assert [(act.phase, act.code, act.times) for act in sink.mode.acts] == [
        ("rcpt", 450, 2),
        ("dot", 451, None),
    ]
    await played({"do": "clear", "phase": "rcpt"}, sink=sink)
    assert [act.phase for act in sink.mode.acts] == ["dot"]
    await played({"do": "clear"}, sink=sink)
    assert sink.mode.acts == ()


async def test_limits_slowness_and_capabilities():
    """Each verb changes its part of the mode, and clear takes all back."""
    sink = Sink(mode=mode.Mode(("size",)))
    answers = await played(
        {"do": "limit", "connections": 4},
        {"do": "per_connection", "messages": 5},
        {"do": "slow", "ms": 20},
        {"do": "capabilities", "names": ["pipelining"]},
        {"do": "password", "user": "anna", "password": "new"},
        sink=sink,
    )
    assert all(answer["ok"] for answer in answers)
    now = sink.mode
    assert (now.connections, now.per_connection, now.slow) == (4, 5, 0.02)
    assert now.capabilities == {"pipelining"}
    assert sink.users == {"anna": "new"}
    now.clear()
    assert sink.users == {}
    assert (now.connections, now.per_connection, now.slow) == (None, None, 0.0)
    assert now.capabilities == {"size"}


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "dance"},
        {},
        [],
        {"do": ["mode"]},
        {"do": "mode", "phase": "rcpt"},
        {"do": "mode", "phase": "tod", "act": "refuse"},
        {"do": "mode", "phase": "rcpt", "act": "dance"},
        {"do": "mode", "phase": "rcpt", "act": "refuse", "code": "550"},
        {"do": "mode", "phase": "rcpt", "act": "refuse", "code": 99},
        {"do": "mode", "phase": "rcpt", "act": "refuse", "times": True},
        {"do": "clear", "phase": "tod"},
        {"do": "limit", "messages": 1},
        {"do": "capabilities", "names": ["chunking"]},
        {"do": "capabilities", "names": [[]]},
        {"do": "wait"},
        {"do": "password", "user": "anna"},
    ],
)
async def test_a_wrong_request_is_refused_with_a_reason(request_):
    """Whatever is wrong, the answer says so and nothing changes."""
    sink = Sink()
    (answer,) = await played(request_, sink=sink)
    assert answer["ok"] is False
    assert answer["error"]
    assert sink.mode.acts == ()


async def test_no_json_is_refused():
    """A line that isn't JSON is answered like any other mistake."""
    sink = Sink()
    async with asyncio.TaskGroup() as tasks:
        control = Control(sink, Server(sink, tasks), tasks)
        for line in (b"{", b"\xff\n", b""):
            assert (await control.answer(line))["ok"] is False


async def test_waiting_ends_with_its_time():
    """A wait that isn't met says so, with what came."""
    (answer,) = await played({"do": "wait", "messages": 1, "timeout": 0.01})
    assert answer == {"ok": True, "reached": False, "messages": 0, "distinct": 0, "copies": 0}


async def test_a_script_names_its_bad_line():
    """Comments and blank lines are passed over, a mistake is found by number."""
    sink = Sink()
    async with asyncio.TaskGroup() as tasks:
        control = Control(sink, Server(sink, tasks), tasks)
        await control.run('# slow\n\n{"do": "slow", "ms": 5}\n')
        assert sink.mode.slow == 0.005
        with pytest.raises(ValueError, match="script line 2: unknown field 'm'"):
            await control.run('{"do": "clear"}\n{"do": "slow", "m": 5}\n')


def test_every_verb_has_a_meaning():
    """The verbs are a table: how it is played, what it takes, what it does."""
    assert all(verb.meaning and callable(verb.play) for verb in VERBS.values())


@pytest.mark.parametrize(
    ("address", "expected"), [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:25", ("::1", 25))]
)
def test_addresses_are_split(address, expected):
    """Host and port, IPv6 in brackets."""
    assert split(address) == expected


@pytest.mark.parametrize("address", ["", "25", ":25", "host", "host:", "host:smtp"])
def test_what_is_no_address(address):
    """Anything else is refused by name."""
    with pytest.raises(ValueError, match="not host:port"):
        split(address)
