"""The state folder: where the servers' data lies, their ports and passwords, and who holds it.

One folder is one pair of servers. Any number of folders can be in use at once; they share nothing.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from .failures import Failed, Unavailable
from .processes import Identity, give

CHECKOUT = Path(__file__).resolve().parents[2]
PORTS = range(20000, 32000)  # below the kernel's own choices for outgoing connections


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What is remembered of one server, running or not."""

    folder: str
    secret: str
    ports: Mapping[str, int]


def folder(asked: str | None) -> Path:
    """The state folder: as asked for, else `DELIVERYD_STATE`, else `.state/` of the checkout."""
    chosen = asked or os.environ.get("DELIVERYD_STATE")
    return Path(chosen).expanduser().resolve() if chosen else CHECKOUT / ".state"


@contextlib.contextmanager
def held(state: Path, *, lock: str = "lock", patience: float = 120) -> Iterator[None]:
    """Hold the folder: one script at a time starts or stops its servers."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / lock).open("w") as file:
        deadline = time.monotonic() + patience
        while not _locked(file.fileno()):
            if time.monotonic() > deadline:
                raise Unavailable(f"{state} is held by another script")
            time.sleep(0.1)
        yield


def recall(state: Path, name: str) -> Server | None:
    """What is known of the server, or None when this folder never had one."""
    try:
        return Server(**json.loads((state / f"{name}.json").read_text()))
    except FileNotFoundError:
        return None


def remember(state: Path, name: str, server: Server) -> None:
    """Write it down, readable by us alone: there is a password in it."""
    new = state / f"{name}.json.new"
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(server), file, indent=2)
    new.rename(state / f"{name}.json")


def settle(state: Path, name: str, wanted: tuple[str, ...], who: Identity) -> Server:
    """The server's folder, secret and ports: as remembered, except for ports taken meanwhile."""
    known = recall(state, name)
    home = known.folder if known else str(_home(state, who) / name)
    secret = known.secret if known else secrets.token_hex(16)
    ports = dict(known.ports) if known else {}
    for port in wanted:
        if not is_free(ports.get(port, 0)):
            ports[port] = _free(taken=set(ports.values()))
    server = Server(folder=home, secret=secret, ports=ports)
    remember(state, name, server)
    return server


def is_free(port: int) -> bool:
    """Whether we could listen there."""
    if not port:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def make_scratch(state: Path) -> None:
    """Say that what lies here may go with a power cut; servers started from now on are faster."""
    state.mkdir(parents=True, exist_ok=True)
    (state / "scratch").touch()


def is_scratch(state: Path) -> bool:
    """Whether it was said."""
    return (state / "scratch").exists()


def wipe(state: Path, names: Iterable[str]) -> None:
    """Remove the data of these servers, which must have been stopped, and nothing else."""
    for name in names:
        if server := recall(state, name):
            shutil.rmtree(server.folder, ignore_errors=True)
            (state / f"{name}.json").unlink()
    (state / "scratch").unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not there, or something else is still in it
        _elsewhere(state).rmdir()
        (state / "data").unlink()


def _free(taken: set[int]) -> int:
    for _ in range(1000):
        port = secrets.choice(PORTS)
        if port not in taken and is_free(port):
            return port
    raise Unavailable(f"no free port found between {PORTS.start} and {PORTS.stop}")


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _home(state: Path, who: Identity) -> Path:
    """Where data lies: in the state folder, or elsewhere if the servers' users can't get there."""
    if _reaches(state, who):
        return state
    away = _elsewhere(state)
    with contextlib.suppress(FileExistsError):
        away.mkdir(mode=0o711)
    if away.is_symlink() or away.stat().st_uid != os.geteuid():
        raise Failed(f"{away} belongs to somebody else")
    away.chmod(0o711)
    link = state / "data"
    if not link.is_symlink():
        link.symlink_to(away)
    return away


def _elsewhere(state: Path) -> Path:
    return Path("/var/tmp") / f"deliveryd-{hashlib.sha256(bytes(state)).hexdigest()[:12]}"


def _reaches(state: Path, who: Identity) -> bool:
    return subprocess.run(["test", "-x", str(state)], check=False, **who).returncode == 0


def own_folder(path: Path, who: Identity) -> Path:
    """A folder for the server's user alone."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    give(path, who)
    return path
