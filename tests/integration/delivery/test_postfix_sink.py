"""A server that nobody here wrote: Postfix's smtp-sink."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from daemon.delivery.relay import Relay
from daemon.delivery.smtp import SmtpCourier
from daemon.mail.outcome import Bounced, Deferred, Outcome, Sent
from tests.integration.delivery.conftest import PATIENCE
from tests.unit.delivery.scripted import ListSource, attempt

PROGRAM = shutil.which("smtp-sink", path="/usr/sbin:/usr/local/sbin")


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def start() -> Iterator[Callable[..., Relay]]:
    """Starts one with the flags given; the relay that it is."""
    processes = []

    def start(*flags: str) -> Relay:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        command = [str(PROGRAM), "-u", "nobody", *flags, f"127.0.0.1:{port}", "100"]
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        deadline = time.monotonic() + PATIENCE
        while not _answers(port):
            assert time.monotonic() < deadline, "smtp-sink does not listen"
        return Relay(host="127.0.0.1", port=port, tls="none")

    yield start
    for process in processes:
        process.terminate()
        process.wait(PATIENCE)


def deliver(run: Any, relay: Relay, count: int) -> set[type[Outcome]]:
    """The kinds of outcomes of so many attempts over four connections."""
    source = ListSource([attempt(number) for number in range(count)])

    async def main() -> None:
        courier = SmtpCourier(relay)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(courier.run(source))

    run(main())
    assert sorted(number for number, _ in source.settled) == list(range(count))
    return {type(outcome) for _, outcome in source.settled}


@pytest.mark.parametrize("flags", [[], ["-p"], ["-e"], ["-8"]], ids=str)
def test_all_are_sent(run: Any, start: Callable[..., Relay], flags: list[str]) -> None:
    """With and without PIPELINING, ESMTP and 8BITMIME."""
    assert deliver(run, start(*flags), 200) == {Sent}


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        (["-r", "rcpt"], Deferred),
        (["-f", "rcpt"], Bounced),
        (["-r", "mail"], Deferred),
        (["-f", "mail"], Deferred),
        (["-r", "data"], Deferred),
        (["-f", "data"], Bounced),
        (["-r", "."], Deferred),
        (["-f", "."], Bounced),
    ],
    ids=str,
)
def test_refusals(
    run: Any, start: Callable[..., Relay], flags: list[str], kind: type[Outcome]
) -> None:
    """Each command refused, softly and for good, for every message of a connection."""
    assert deliver(run, start(*flags), 20) == {kind}
