"""The two programs of ours that the demo runs: the development SMTP server and the daemon.

Both carry a mark, like the servers, so that a later `deploy/demo` finds those that were kept.
"""

import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ground import environment, processes, state
from ground.failures import Failed
from ground.progress import Say
from ground.servers import Servers

CONFIG = state.CHECKOUT / "config.toml"
NAMES = ("daemon", "sink")
ENDING = ("play", *NAMES)  # in this order: the daemon hands over to the sink what it has begun
STOP_DEADLINE = 5
PATIENCE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the demo's own programs listen and leave what they have to say."""

    folder: Path
    smtp: int
    ops: int

    @property
    def record(self) -> Path:
        """The record of the development server: one JSON line per mail."""
        return self.folder / "mail.jsonl"

    @property
    def machine_page(self) -> str:
        """Where the daemon answers /readyz and /metrics."""
        return f"http://127.0.0.1:{self.ops}"

    def log(self, name: str) -> Path:
        """What the program of this name prints."""
        return self.folder / f"{name}.log"


def near(path: Path) -> Path:
    """A path as it is typed from the checkout."""
    return path.relative_to(state.CHECKOUT) if path.is_relative_to(state.CHECKOUT) else path


def settle(folder: Path) -> Place:
    """The ports of an earlier demo in this folder if they are still free, else others."""
    ports = state.settle(folder, "demo", ("smtp", "ops"), {}).ports
    return Place(folder=folder, smtp=ports["smtp"], ops=ports["ops"])


def settings(place: Place, servers: Servers) -> dict[str, str]:
    """The daemon's configuration where it differs from `config.toml`."""
    return {
        **servers.environment(),
        "DELIVERYD_TRANSPORT__1__PORT": str(place.smtp),
        "DELIVERYD_OPS__LISTEN": f"127.0.0.1:{place.ops}",
        "DELIVERYD_INSTANCE__NAME": "demo",
        "DELIVERYD_INSTANCE__STATE_DIR": str(place.folder / "journals"),
        "DELIVERYD_INSTANCE__STOP_DEADLINE": f"{STOP_DEADLINE}s",
        "DELIVERYD_RETRY__FIRST": "2s",  # nobody watches a demo for a minute
    }


def start(place: Place, variables: Mapping[str, str], say: Say) -> None:
    """Bring the schema up to date, then start both; Failed, with the log, if one doesn't come."""
    for left in (place.record, *(place.log(name) for name in NAMES)):
        left.unlink(missing_ok=True)
    _start_sink(place, say)
    say("daemon", "migrates the database")
    given = {**environment.activated(), **variables}
    migrate = [str(environment.PYTHON), "-m", "daemon", "migrate", "--config", str(CONFIG)]
    processes.run(migrate, env=given, cwd=state.CHECKOUT)
    _start_daemon(place, given, say)


def stop(folder: Path, say: Say) -> None:
    """End all that is ours, gently first; nothing of it is left."""
    for name in ENDING:
        for process in processes.marked(_mark(folder, name)):
            if not processes.end([process.pid], signal.SIGTERM, 2 * STOP_DEADLINE + 5):
                processes.end([process.pid], signal.SIGKILL, 5)
            say(name, "stopped")


def ended(place: Place) -> str | None:
    """What to say of a program that should run and doesn't; None while both do."""
    for name in NAMES:
        if not processes.marked(_mark(place.folder, name)):
            return f"the {name} ended:\n{_tail(place, name)}"
    return None


def _start_sink(place: Place, say: Say) -> None:
    ready = place.folder / "sink.json"
    ready.unlink(missing_ok=True)
    words = ["--listen", f"127.0.0.1:{place.smtp}", "--ready-file", str(ready)]
    words += ["--record", str(place.record), "--keep-bytes", "--show", "--web", "127.0.0.1:0"]
    argv = [str(environment.PYTHON), "-m", "daemon.sink", *words]
    process = _launch(place, "sink", argv, environment.activated())
    _await(place, "sink", process, ready.exists)
    say(
        "sink",
        f"development SMTP server ready, port {place.smtp}, log {near(place.log('sink'))}",
    )


def _start_daemon(place: Place, variables: Mapping[str, str], say: Say) -> None:
    argv = [str(environment.PYTHON), "-m", "daemon", "serve", "--config", str(CONFIG)]
    process = _launch(place, "daemon", argv, variables)
    _await(place, "daemon", process, lambda: _answers(f"{place.machine_page}/readyz"))
    say("daemon", f"ready, pid {process.pid}, log {near(place.log('daemon'))}")


def _launch(
    place: Place, name: str, argv: Sequence[str], env: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    return processes.launch(
        argv,
        mark=_mark(place.folder, name),
        env=env,
        cwd=state.CHECKOUT,
        log=place.log(name),
        who={},
    )


def _await(
    place: Place, name: str, process: subprocess.Popen[bytes], ready: Callable[[], bool]
) -> None:
    processes.until(lambda: ready() or process.poll() is not None, PATIENCE)
    if process.poll() is not None:
        raise Failed(f"the {name} ended while starting:\n{_tail(place, name)}")
    if not ready():
        raise Failed(f"the {name} was not ready in {PATIENCE:.0f} s:\n{_tail(place, name)}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def mark(folder: Path, name: str) -> dict[str, str]:
    """The variable in its environment by which a program of this folder is found."""
    return {processes.MARK: _mark(folder, name)}


def _mark(folder: Path, name: str) -> str:
    return f"{folder}:{name}"


def _tail(place: Place, name: str) -> str:
    log = place.log(name)
    return processes.tail(log.read_text(errors="replace")) if log.exists() else ""
