"""Killed at each point of a delivery: what the server has, and what the witness had written."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.integration.delivery.conftest import PATIENCE, ROOT

PROGRAM = """
import asyncio, sys
from daemon.delivery.relay import Relay
from daemon.delivery.smtp import SmtpCourier
from tests.unit.delivery.scripted import ListSource, Notes, attempt

class Journal(Notes):
    def dot(self, attempt):
        print("dot", attempt.delivery_id, flush=True)
        return True
    def reply(self, attempt, reply):
        print("reply", attempt.delivery_id, flush=True)

relay = Relay(host="127.0.0.1", port=int(sys.argv[1]), tls="none")
large = b"x" * 998 + b"\\r\\n"
source = ListSource([attempt(0), attempt(1, large * 300), attempt(2)])
asyncio.run(SmtpCourier(relay, Journal()).run(source))
print("settled", len(source.settled), flush=True)
"""


@pytest.mark.parametrize("capabilities", ["pipelining", "size"])
@pytest.mark.parametrize(
    ("point", "journal", "stored"),
    [
        ("C10:1", "", 0),
        ("C11:1", "", 0),
        ("C12:1", "", 0),
        ("C13:1", "", 0),
        ("C14:1", "dot 0 reply 0", 1),
        ("C15:1", "dot 0", 1),
        ("C16:1", "dot 0", 1),
        ("C16:2", "dot 0 reply 0 dot 1", 2),
        ("none", "dot 0 reply 0 dot 1 reply 1 dot 2 reply 2 settled 3", 3),
    ],
)
def test_killed_there(
    start_sink: Any, point: str, journal: str, stored: int, capabilities: str
) -> None:
    """Before the dot nothing is stored; after it the journal names exactly what is in doubt."""
    sink = start_sink("--capabilities", capabilities)
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(sink.port)],
        cwd=ROOT,
        env=os.environ | {"DELIVERYD_CRASH": point},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
        text=True,
    )
    assert ended.returncode == (0 if point == "none" else -signal.SIGKILL), ended.stderr
    lines = [line for line in ended.stdout.split("\n") if line[:3] in ("dot", "rep", "set")]
    assert " ".join(lines) == journal
    sink.ask("wait", messages=stored, timeout=PATIENCE)
    assert len(sink.stored()) == stored
