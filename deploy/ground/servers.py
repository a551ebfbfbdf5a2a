"""Both servers of a state folder: start them side by side, stop them, tell how they are.

A server that the environment names (`DELIVERYD_POSTGRES__DSN`, `DELIVERYD_RABBITMQ__URL`) is used
as it is: nothing is started in its place.
"""

import os
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from . import postgres, processes, rabbitmq, state
from .failures import Failed, Unavailable
from .processes import Process
from .progress import Say
from .state import Server

PATIENCE = 120.0  # a first start on a slow machine; usually it takes four to eleven seconds


class Kind(Protocol):
    """What `postgres` and `rabbitmq` both offer."""

    NAME: str
    VARIABLE: str

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        """Launch it, making its data first if there is none."""

    def running(self, folder: Path) -> Process | None:
        """Its main process, if it runs."""

    def is_ready(self, server: Server) -> bool:
        """Whether it takes connections."""

    def stop(self, folder: Path, *, kill: bool = False) -> None:
        """End it and all that belongs to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where the daemon finds its Postgres and its RabbitMQ."""

    dsn: str
    url: str

    def environment(self) -> dict[str, str]:
        """The variables by which the daemon is told."""
        return {postgres.VARIABLE: self.dsn, rabbitmq.VARIABLE: self.url}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How one server is: `running`, `starting`, `stopped`, or `given` by the environment."""

    name: str
    state: str
    address: str
    process: Process | None = None
    server: Server | None = None


Launched = dict[str, subprocess.Popen[bytes]]
KINDS: dict[str, Kind] = {"rabbitmq": rabbitmq, "postgres": postgres}


def address(kind: Kind, server: Server) -> str:
    """The DSN or URL of our own server."""
    return postgres.dsn(server) if kind.NAME == postgres.NAME else rabbitmq.url(server)


def given(folder: Path, kind: Kind) -> str | None:
    """The address in the environment, unless it is that of our own server of this folder."""
    named, own = os.environ.get(kind.VARIABLE), state.recall(folder, kind.NAME)
    return named if named and not (own and named == address(kind, own)) else None


def start(folder: Path, say: Say) -> Servers:
    """Start both, and answer where they are."""
    begin(folder, say, KINDS)
    return find(folder)


def begin(folder: Path, say: Say, names: Collection[str]) -> None:
    """Start what doesn't run yet and wait until it is ready; if one fails, none is left behind."""
    begun: Launched = {}
    chosen = [KINDS[name] for name in KINDS if name in names]
    with state.held(folder):
        absent = [kind for kind in chosen if kind.running(folder) is None]
        try:
            for kind in chosen:
                _begin(folder, kind, begun, say)
            _await(folder, begun, say)
        except BaseException:
            for kind in absent:
                kind.stop(folder, kill=True)
            raise


def find(folder: Path) -> Servers:
    """Where the running servers are; Unavailable if one isn't running."""
    conditions = {condition.name: condition for condition in status(folder)}
    for condition in conditions.values():
        if condition.state not in {"running", "given"}:
            raise Unavailable(f"{condition.name} is {condition.state}: deploy/servers start")
    return Servers(dsn=conditions["postgres"].address, url=conditions["rabbitmq"].address)


def must_run(folder: Path, name: str) -> None:
    """Unavailable if this one has no process; ready it needn't be, as after `stop_app`."""
    if KINDS[name].running(folder) is None:
        raise Unavailable(f"{name} is stopped: deploy/servers start")


def stop(folder: Path, say: Say, names: Collection[str] = KINDS) -> None:
    """Stop both, or those that are named; nothing of them is left."""
    if not folder.is_dir():
        return
    chosen = [KINDS[name] for name in KINDS if name in names]
    with state.held(folder):
        for kind in chosen:
            if processes.marked(f"{folder}:{kind.NAME}"):
                kind.stop(folder)
                say(kind.NAME, "stopped")
    if left := [kind.NAME for kind in chosen if processes.marked(f"{folder}:{kind.NAME}")]:
        raise Failed(f"{' and '.join(left)} would not stop")


def restart(folder: Path, name: str, say: Say, *, kill: bool = False) -> None:
    """Stop one server, by SIGKILL if asked to, and start it again: same port, same data."""
    kind = KINDS[name]
    with state.held(folder):
        if kind.running(folder) is None:
            raise Unavailable(f"{name} is not running in {folder}")
        kind.stop(folder, kill=kill)
        say(name, "killed" if kill else "stopped")
        begun: Launched = {}
        _begin(folder, kind, begun, say)
        _await(folder, begun, say)


def status(folder: Path) -> list[Condition]:
    """How both are, Postgres first."""
    return [_condition(folder, KINDS[name]) for name in sorted(KINDS)]


def _condition(folder: Path, kind: Kind) -> Condition:
    if there := given(folder, kind):
        return Condition(name=kind.NAME, state="given", address=there)
    server, process = state.recall(folder, kind.NAME), kind.running(folder)
    if server is None or process is None:
        return Condition(name=kind.NAME, state="stopped", address="", server=server)
    return Condition(
        name=kind.NAME,
        state="running" if kind.is_ready(server) else "starting",
        address=address(kind, server),
        process=process,
        server=server,
    )


def _begin(folder: Path, kind: Kind, begun: Launched, say: Say) -> None:
    """Launch the server, unless it is there already, and note it in `begun`."""
    if given(folder, kind):
        say(kind.NAME, f"as given by {kind.VARIABLE}")
    elif process := kind.running(folder):
        say(kind.NAME, f"runs already, pid {process.pid}")
    else:
        kind.stop(folder)  # what a killed server left: a port mapper, a helper process
        say(kind.NAME, "starting")
        begun[kind.NAME] = kind.start(folder)


def _await(folder: Path, begun: Launched, say: Say) -> None:
    """Wait for all that were launched; the first that ends or takes too long fails them all."""
    waiting = dict(begun)

    def over() -> bool:
        for name in [name for name in waiting if _came_up(folder, name, waiting[name])]:
            del waiting[name]
            say(name, f"ready, {_place(folder, KINDS[name])}")
        return not waiting

    if not processes.until(over, PATIENCE):
        late = KINDS[next(iter(waiting))]
        raise Failed(f"{late.NAME} was not ready in {PATIENCE:.0f} s:\n{_log(folder, late)}")


def _came_up(folder: Path, name: str, launched: subprocess.Popen[bytes]) -> bool:
    kind, server = KINDS[name], state.recall(folder, name)
    if launched.poll() is not None:
        raise Failed(f"{name} ended while starting:\n{_log(folder, kind)}")
    return server is not None and kind.is_ready(server) and kind.running(folder) is not None


def _place(folder: Path, kind: Kind) -> str:
    server, process = state.recall(folder, kind.NAME), kind.running(folder)
    if server is None or process is None:
        raise Failed(f"{kind.NAME} ended:\n{_log(folder, kind)}")
    first = next(iter(server.ports.values()))
    return f"port {first}, pid {process.pid}, log {server.folder}/server.log"


def _log(folder: Path, kind: Kind) -> str:
    """The end of the server's log; RabbitMQ writes it in a mixture of encodings."""
    server = state.recall(folder, kind.NAME)
    log = Path(server.folder) / "server.log" if server else None
    return processes.tail(log.read_text(errors="replace")) if log and log.exists() else ""
