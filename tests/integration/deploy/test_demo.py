"""`deploy/demo`, run as a person runs it, on a state folder of its own."""

import asyncio
import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon.broker import topology
from tests.stories import ear

TOP = Path(__file__).parents[3]

pytestmark = pytest.mark.timeout(240)

Done = subprocess.CompletedProcess[str]


def run(*words: str | Path, **more: str) -> Done:
    """What came of a command, where the environment says nothing about deliveryd."""
    return subprocess.run(
        words,
        cwd=TOP,
        env={**bare(), **more},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def bare() -> dict[str, str]:
    """The environment without anything about deliveryd."""
    return {key: value for key, value in os.environ.items() if not key.startswith("DELIVERYD_")}


def demo(folder: Path, *words: str, **more: str) -> Done:
    """What came of `deploy/demo WORDS`."""
    return run(sys.executable, TOP / "deploy" / "demo", *words, "--dir", folder, **more)


def shell(folder: Path) -> dict[str, str]:
    """The variables of a shell that has read the file that the demo leaves."""
    lines = (folder / "env").read_text().splitlines()
    exported = (re.match(r"export (DELIVERYD_\w+)='?(.*?)'?$", line) for line in lines)
    return {found[1]: found[2] for found in exported if found}


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
    """A state folder in which nothing is left running, whatever came."""
    folder = tmp_path_factory.mktemp("demo")
    yield folder
    demo(folder, "--stop")
    run(sys.executable, TOP / "deploy" / "servers", "stop", "--wipe", "--dir", folder)


@pytest.fixture(scope="module")
def kept(folder: Path) -> Done:
    """A demo that has left everything running."""
    return demo(folder, "--keep")


def test_the_demo_is_what_its_samples_demand(kept: Done) -> None:
    """Answers, mail and events of all samples are exactly as they must be, and the sum balances."""
    assert kept.returncode == 0, kept.stdout + kept.stderr
    assert "205 asked for = 201 sent + 1 bounced + 2 dropped + 1 refused" in kept.stdout


def test_the_program_of_the_readme_runs_beside_it(kept: Done, folder: Path) -> None:
    """The first request of the README is answered, sent, told, and seen at the server."""
    told = run(sys.executable, TOP / "deploy" / "first_request.py", **shell(folder))
    assert told.returncode == 0, told.stderr
    types = {line.partition(" ")[0] for line in told.stdout.splitlines()}
    assert {"answer", "job.accepted", "delivery.sent", "job.completed"} <= types
    assert "“Hello Ann”" in (folder / "sink.log").read_text()


def test_what_it_says_to_type_can_be_typed(kept: Done, folder: Path) -> None:
    """Each `deliveryd` command that a kept demo shows works as it stands."""
    typed = re.findall(r"^  deliveryd (.*)$", kept.stdout, re.MULTILINE)
    assert len(typed) >= 3
    with urllib.request.urlopen(re.search(r"each mail: (\S+)", kept.stdout)[1] + "mails") as page:
        assert len(json.load(page)["mails"]) == 200  # one page of them
    for words in typed:
        done = run("sh", "-c", f"{sys.executable} -m daemon {words}", **shell(folder))
        assert done.returncode == 0, (words, done.stdout, done.stderr)


def test_stop_leaves_nothing_running(kept: Done, folder: Path) -> None:
    """After `--stop` no process of a kept demo is left."""
    assert ours(folder)
    assert demo(folder, "--stop").returncode == 0
    assert ours(folder) == []


def test_on_a_terminal_it_is_live_and_ends_with_ctrl_c(kept: Done, folder: Path) -> None:
    """Deliveries and events are tables that grow; Ctrl-C leaves nothing of what it has started."""
    words = [sys.executable, TOP / "deploy" / "demo", "--recipients", "2000", "--dir", folder]
    terminal, inner = pty.openpty()
    shown = bytearray()
    reader = threading.Thread(target=_read, args=(terminal, shown))
    show = subprocess.Popen(
        words, cwd=TOP, env={**bare(), "TERM": "xterm"}, stdin=inner, stdout=inner, stderr=inner,
        start_new_session=True,
    )  # fmt: skip
    os.close(inner)
    reader.start()
    try:
        _until(
            lambda: all(head in shown for head in (b"delivery to", b"event at", b"job.accepted"))
        )
        assert ours(folder)
        os.killpg(show.pid, signal.SIGINT)  # as a terminal does
        assert show.wait(60) == 130, shown.decode(errors="replace")
    finally:
        show.kill()
        show.wait()
        reader.join()
        os.close(terminal)
    assert ours(folder) == []


async def test_it_uses_the_servers_that_are_named(
    dsn: str, url: str, prefix: str, tmp_path: Path
) -> None:
    """Those of the environment, and starts none; `--once` is plain lines and ends by itself."""
    given = {"DELIVERYD_POSTGRES__DSN": dsn, "DELIVERYD_RABBITMQ__URL": url}
    given["DELIVERYD_RABBITMQ__PREFIX"] = prefix
    folder = tmp_path / "given"
    try:
        done = await asyncio.to_thread(demo, folder, "--once", "--recipients", "10", **given)
    finally:
        names = topology.queues(prefix), topology.exchanges(prefix)
        queues, exchanges = ([one.name for one in some] for some in names)
        await ear.forget(url, queues=queues, exchanges=exchanges)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "15 asked for = 11 sent + 1 bounced + 2 dropped + 1 refused" in done.stdout
    assert "as given by DELIVERYD_POSTGRES__DSN" in done.stderr
    assert "\x1b" not in done.stdout
    assert not [name for name in ("postgres", "rabbitmq") if (folder / name).exists()]
    assert ours(folder) == []


def _read(terminal: int, shown: bytearray) -> None:
    """Whatever is written there, until nobody can write any more."""
    with contextlib.suppress(OSError):
        while chunk := os.read(terminal, 65536):
            shown += chunk


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
