"""Our RabbitMQ: a node of its own on loopback ports, with a user `deliveryd` who may do everything.

Nodes find each other through a port mapper (epmd), by name, and trust each other by a cookie. Each
state folder has its own of all three, so that nodes of several folders never meet.
"""

import hashlib
import signal
import socket
import subprocess
from pathlib import Path

from . import processes, state, unpacked
from .failures import Unavailable
from .processes import Identity, Process
from .state import Server

NAME = "rabbitmq"
USER = "rabbitmq"
PORTS = ("amqp", "node", "epmd")
VARIABLE = "DELIVERYD_RABBITMQ__URL"
DEBIAN = Path("/usr/lib/rabbitmq/bin")
CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
default_user = deliveryd
default_pass = {secret}
log.console = true
log.file = false
log.console.use_colors = off
log.console.level = info
# the log of quorum queues is kept in memory as well: an eighth of the default is enough here
raft.wal_max_size_bytes = 67108864
"""
HELLO = b"AMQP\x00\x00\x09\x01"
CONNECTION_START = b"\x00\x0a\x00\x0a"


def programs() -> Path | None:
    """The folder with `rabbitmq-server`: Debian's, else the unpacked one."""
    if (DEBIAN / "rabbitmq-server").exists():
        return DEBIAN
    return None if processes.is_root() else unpacked.rabbitmq()


def url(server: Server) -> str:
    """Where the daemon finds it."""
    return f"amqp://deliveryd:{server.secret}@127.0.0.1:{server.ports['amqp']}/"


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Write the configuration and launch port mapper and node; they aren't ready yet."""
    bins, who = programs(), processes.identity(USER)
    if bins is None:
        raise Unavailable("no RabbitMQ on this machine: see deploy/README.md")
    server = state.settle(folder, NAME, PORTS, who)
    home = state.own_folder(Path(server.folder), who)
    _configure(home, server, who)
    env, log = environment(folder, server), home / "server.log"
    mark = f"{folder}:{NAME}"
    if not any(process.command == "epmd" for process in processes.marked(mark)):
        # started here and not by the node: then it carries our mark and ends with us
        processes.launch(["epmd"], mark=mark, env=env, cwd=home, log=log, who=who)
    server_script = str(bins / "rabbitmq-server")
    return processes.launch([server_script], mark=mark, env=env, cwd=home, log=log, who=who)


def running(folder: Path) -> Process | None:
    """The node, if it runs."""
    found = processes.marked(f"{folder}:{NAME}")
    return next((process for process in found if process.command == "beam.smp"), None)


def is_ready(server: Server) -> bool:
    """Whether it answers as an AMQP 0-9-1 server does."""
    try:
        with socket.create_connection(("127.0.0.1", server.ports["amqp"]), timeout=2) as wire:
            wire.sendall(HELLO)
            return wire.recv(4096)[7:11] == CONNECTION_START
    except OSError:
        return False


def stop(folder: Path, *, kill: bool = False) -> None:
    """End the node and all that belongs to it. With `kill` at once, as a power cut would."""
    node = running(folder)
    if node and not kill:
        processes.end([node.pid], signal.SIGTERM, 30)
    rest = [process.pid for process in processes.marked(f"{folder}:{NAME}")]
    processes.end(rest, signal.SIGKILL, 10)


def environment(folder: Path, server: Server) -> dict[str, str]:
    """The environment of the node and of `rabbitmqctl`."""
    home = Path(server.folder)
    name = hashlib.sha256(bytes(folder)).hexdigest()[:8]
    loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
    return {
        **unpacked.environment(),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(home),  # the cookie lies here
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(server.ports["epmd"]),
        "RABBITMQ_NODENAME": f"deliveryd-{name}@localhost",
        "RABBITMQ_DIST_PORT": str(server.ports["node"]),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": loopback,
        "RABBITMQ_CTL_ERL_ARGS": loopback,
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_CONFIG_FILES": str(home / "conf.d"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        # makes the script become the node: one process less, and signals reach it
        "RUNNING_UNDER_SYSTEMD": "true",
    }


def _configure(home: Path, server: Server, who: Identity) -> None:
    texts = {
        "rabbitmq.conf": CONFIGURATION.format(port=server.ports["amqp"], secret=server.secret),
        "advanced.config": "[].\n",
        "enabled_plugins": "[].\n",
    }
    for name, text in texts.items():
        (home / name).write_text(text)
        processes.give(home / name, who)
    state.own_folder(home / "conf.d", who)
