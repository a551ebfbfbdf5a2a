"""systemd's protocol, spoken to a real datagram socket."""

import os
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.process.notify import Notify


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    """Whoever listens, at a path or at a name in the abstract namespace."""
    named = f"\0deliveryd-{uuid.uuid4().hex}" if request.param == "abstract" else None
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(named or str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


def _at(manager: socket.socket, **more: str) -> Notify:
    name = manager.getsockname()
    written = f"@{name[1:].decode()}" if isinstance(name, bytes) else name
    return Notify({"NOTIFY_SOCKET": written, **more})


def _heard(manager: socket.socket) -> dict[str, str]:
    lines = manager.recv(4096).decode().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_each_word(manager: socket.socket) -> None:
    """Every word of the protocol that we speak arrives as systemd reads it."""
    notify = _at(manager)
    notify.ready()
    assert _heard(manager) == {"READY": "1"}
    notify.stopping()
    assert _heard(manager) == {"STOPPING": "1"}
    notify.alive()
    assert _heard(manager) == {"WATCHDOG": "1"}
    notify.extend(1.5)
    assert _heard(manager) == {"EXTEND_TIMEOUT_USEC": "1500000"}
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notify.reloading()
    said = _heard(manager)
    assert said["RELOADING"] == "1"
    assert before <= int(said["MONOTONIC_USEC"]) <= before + 5_000_000


def test_a_status_is_one_line(manager: socket.socket) -> None:
    """What a server said can't add a line of its own, and an address is masked."""
    _at(manager).status("rabbitmq: no\nREADY=1 to person@there.test, ü")
    assert _heard(manager) == {"STATUS": "rabbitmq: no READY=1 to p***@there.test, ü"}


def test_nobody_listens(tmp_path: Path) -> None:
    """Without a socket, or with one that is gone or full, a send does nothing, and at once."""
    for environ in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}, {"NOTIFY_SOCKET": "vsock:2"}):
        Notify(environ).ready()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "full"))
        notify = Notify({"NOTIFY_SOCKET": str(tmp_path / "full")})
        for _ in range(5000):  # more than the queue of any socket holds
            notify.alive()


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
    ],
)
def test_watchdog(environ: dict[str, str], seconds: float) -> None:
    """A watchdog that is meant for another process, or for nobody, asks nothing of us."""
    assert Notify(environ).watchdog == seconds
