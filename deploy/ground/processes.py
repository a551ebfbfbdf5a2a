"""Processes: start them, find them again, end them.

A server outlives the script that started it, so a later script must find it again. A remembered
pid could by then be somebody else's. Instead every server is started with a mark in its
environment, and is found by reading that mark from `/proc`: what carries it is ours, nothing else.
"""

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from .failures import Failed

MARK = "DELIVERYD_GROUND"
TICK = os.sysconf("SC_CLK_TCK")
_started: list[subprocess.Popen[bytes]] = []


class Identity(TypedDict, total=False):
    """The arguments by which `subprocess` starts a child as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A living process: its pid, its command's name (15 characters) and its age in seconds."""

    pid: int
    command: str
    age: float


def is_root() -> bool:
    """Whether this script may install packages and become other users."""
    return os.geteuid() == 0


def identity(user: str) -> Identity:
    """How to run as `user`: only root can, anybody else runs everything as himself."""
    if not is_root():
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def give(path: Path, who: Identity) -> None:
    """Make `path` belong to `who`."""
    if who:
        os.chown(path, who["user"], who["group"])


def launch(
    argv: Sequence[str], *, mark: str, env: Mapping[str, str], cwd: Path, log: Path, who: Identity
) -> subprocess.Popen[bytes]:
    """Start a server that outlives us; its output is appended to `log`."""
    with log.open("ab") as output:
        server = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**env, MARK: mark},
            cwd=cwd,
            start_new_session=True,
            **who,
        )
    # kept, so that its end is noticed and reaped for as long as this script lives
    _started.append(server)
    return server


def marked(mark: str) -> list[Process]:
    """The living processes that carry `mark`, oldest first."""
    found = [process for pid in _pids() if (process := _with_mark(pid, f"{MARK}={mark}"))]
    return sorted(found, key=lambda process: -process.age)


def named(*commands: str) -> list[Process]:
    """The living processes, anybody's, whose command is one of these."""
    return [process for pid in _pids() if (process := look(pid)) and process.command in commands]


def children(pid: int) -> list[int]:
    """The pids whose parent is `pid`."""
    return [other for other in _pids() if (line := _stat(other)) and int(line[1]) == pid]


def look(pid: int) -> Process | None:
    """The process, or None when it is gone or only waits to be reaped."""
    fields = _stat(pid)
    if fields is None or fields[0] in {"Z", "X"}:
        return None
    try:
        command = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return Process(pid=pid, command=command, age=uptime - int(fields[19]) / TICK)


def end(pids: Sequence[int], how: signal.Signals, patience: float) -> bool:
    """Send the signal and wait; whether all were gone within `patience` seconds."""
    for pid in pids:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            continue
    return until(lambda: not any(look(pid) for pid in pids), patience)


def until(reached: Callable[[], bool], patience: float) -> bool:
    """Whether the condition came true within `patience` seconds; asked twenty times a second."""
    deadline = time.monotonic() + patience
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
        _reap()
    return True


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    who: Identity | None = None,
    given: str = "",
    patience: float = 120,
) -> str:
    """Run to the end and return what it said; Failed, with the last lines, if it fails."""
    try:
        done = subprocess.run(
            argv,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=env,
            cwd=cwd,
            timeout=patience,
            check=False,
            **(who or {}),
        )
    except (OSError, subprocess.TimeoutExpired) as trouble:
        raise Failed(f"{argv[0]}: {trouble}") from trouble
    if done.returncode:
        raise Failed(f"{' '.join(argv)} ended with {done.returncode}:\n{tail(done.stdout)}")
    return done.stdout


def succeeds(argv: Sequence[str]) -> bool:
    """Whether the command is there and ends with 0; what it says is dropped."""
    try:
        return subprocess.run(argv, capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def follow(
    argv: Sequence[str],
    show: Callable[[str], None],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run to the end and hand every line to `show`; Failed if it did not succeed."""
    lines: list[str] = []
    child = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=env,
        cwd=cwd,
    )
    try:
        for line in child.stdout or ():
            lines.append(line)
            show(line.rstrip())
    finally:
        # Ctrl-C or not, wait: a package manager cut off half way leaves a broken machine
        child.communicate()
    if child.returncode:
        raise Failed(f"{' '.join(argv)} ended with {child.returncode}:\n{tail(''.join(lines))}")


def tail(text: str, lines: int = 15) -> str:
    """The last lines, indented."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:])


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _stat(pid: int) -> list[str] | None:
    """Fields 3 and on of proc(5) `stat`: state, ppid, …; the name before may hold blanks."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _with_mark(pid: int, entry: str) -> Process | None:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    return look(pid) if entry.encode() in environment else None


def _reap() -> None:
    for server in _started:
        server.poll()
