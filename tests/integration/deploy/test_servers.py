"""`deploy/servers`, run as a person runs it, on a state folder of its own."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SERVERS = Path(__file__).parents[3] / "deploy" / "servers"
GIVEN = ("DELIVERYD_POSTGRES__DSN", "DELIVERYD_RABBITMQ__URL", "DELIVERYD_STATE")

pytestmark = pytest.mark.timeout(180)


def typed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What came of `deploy/servers WORDS`, where the environment names no servers."""
    environment = {key: value for key, value in os.environ.items() if key not in GIVEN}
    return subprocess.run(
        [sys.executable, SERVERS, *words, "--dir", folder],
        env=environment,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def facts(folder: Path) -> dict[str, Any]:
    """What `status --json` says of each server."""
    return json.loads(typed(folder, "status", "--json").stdout)


def ours(folder: Path) -> list[str]:
    """The pids of all processes that carry the folder's mark."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if f"DELIVERYD_GROUND={folder}:".encode() in environment:
            found.append(process.name)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder with running servers, which are stopped at the end whatever came."""
    folder = tmp_path_factory.mktemp("state")
    try:
        started = typed(folder, "start")
        assert started.returncode == 0, started.stderr
        yield folder
    finally:
        typed(folder, "stop", "--wipe")


def test_env_names_servers_that_answer(folder: Path) -> None:
    """`env` prints one export for each server, and something listens at both addresses."""
    lines = typed(folder, "env").stdout.splitlines()
    assert [line.partition("=")[0] for line in lines] == [f"export {name}" for name in GIVEN[:2]]
    for server in facts(folder).values():
        port = next(iter(server["ports"].values()))
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


@pytest.mark.parametrize("name", ["postgres", "rabbitmq"])
def test_killed_server_returns_to_its_place(folder: Path, name: str) -> None:
    """`restart --kill` ends one server by SIGKILL; it returns as another process, same address."""
    before = facts(folder)
    restarted = typed(folder, "restart", name, "--kill")
    after = facts(folder)
    assert restarted.returncode == 0, restarted.stderr
    assert after[name]["pid"] != before[name]["pid"]
    assert after[name]["address"] == before[name]["address"]
    (other,) = before.keys() - {name}
    assert after[other] == before[other]


@pytest.mark.parametrize("name", ["postgres", "rabbitmq"])
def test_one_stops_alone(folder: Path, name: str) -> None:
    """`stop` and `start` of one server leave the other as it is."""
    before = facts(folder)
    (other,) = before.keys() - {name}
    assert typed(folder, "stop", name).returncode == 0
    stopped = json.loads(typed(folder, "status", "--json").stdout)
    assert (stopped[name]["state"], stopped[other]) == ("stopped", before[other])
    assert typed(folder, "start", name).returncode == 0
    assert facts(folder)[name]["address"] == before[name]["address"]


def test_rabbitmqctl_starts_what_it_has_stopped(folder: Path) -> None:
    """It needs the node to run, not the broker in it to be ready."""
    assert typed(folder, "rabbitmqctl", "stop_app").returncode == 0
    assert facts(folder)["rabbitmq"]["state"] == "starting"
    started = typed(folder, "rabbitmqctl", "start_app")
    assert started.returncode == 0, started.stderr
    assert facts(folder)["rabbitmq"]["state"] == "running"


def test_second_start_finds_everything(folder: Path) -> None:
    """`start` with both running changes nothing and succeeds."""
    before = facts(folder)
    assert typed(folder, "start").returncode == 0
    assert facts(folder) == before


def test_stop_leaves_no_process(folder: Path) -> None:
    """After `stop` no process of this folder lives, and `status` and `env` end with 69."""
    assert ours(folder)
    assert typed(folder, "stop").returncode == 0
    assert ours(folder) == []
    assert typed(folder, "status").returncode == 69
    assert typed(folder, "env").returncode == 69
    assert typed(folder, "psql").returncode == 69


def test_unknown_verb_is_wrong_usage(tmp_path: Path) -> None:
    """What isn't a verb ends with 2 and starts nothing."""
    assert typed(tmp_path, "fly").returncode == 2
    assert list(tmp_path.iterdir()) == []
