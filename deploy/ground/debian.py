"""Debian packages by apt-get, as root, without the servers that they would start.

`postgresql` makes a cluster and starts it, `rabbitmq-server` starts a node, both for the whole
machine and at every boot. We want their programs only: so a policy forbids starting while apt-get
works, no cluster is made, and what the packages enable for the next boot is disabled again. What
this changed in the machine is put back, on failure and on Ctrl-C too.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import processes
from .failures import Failed, Unavailable
from .progress import Say

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_BEFORE = Path("/usr/sbin/policy-rc.d.before-deliveryd")
SYSTEMD = Path("/lib/systemd/system")
NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/deliveryd.conf")
FORBID = "#!/bin/sh\n# deliveryd installs packages meanwhile: see invoke-rc.d(8)\nexit 101\n"
UNITS = (
    "postgresql.service",
    "rabbitmq-server.service",
    "epmd.service",
    "epmd.socket",
    "postfix.service",
    "prometheus.service",
)
MARK = "apt-get"
QUIET = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", processes.MARK: MARK}
TOLD = ("Get:", "Unpacking", "Setting up", "E:", "W:")


def usable() -> bool:
    """Whether there is an apt-get and we may use it."""
    return processes.is_root() and shutil.which("apt-get") is not None


def install(packages: Sequence[str], say: Say) -> None:
    """Install the packages and leave nothing of them running."""
    if not usable():
        raise Unavailable(f"{', '.join(packages)} must be installed, by root and apt-get")
    units = [unit for unit in UNITS if not (SYSTEMD / unit).exists()]
    try:
        with _nothing_starts(), _no_cluster():
            _refresh(say)
            _apt(["install", "--yes", "--no-install-recommends", *packages], say)
    finally:
        # on Ctrl-C too: apt-get still installs what it has begun to unpack
        _disable(units)
        _stop_started(say)


def _refresh(say: Say) -> None:
    """Ask for the current package lists; without network those that are there must do."""
    try:
        _apt(["update"], say)
    except Failed as trouble:
        say("apt-get", f"no fresh package lists: {str(trouble).splitlines()[0]}")


def _apt(arguments: Sequence[str], say: Say) -> None:
    def show(line: str) -> None:
        if line.startswith(TOLD):
            say("apt-get", line)

    wait = ["-o", "DPkg::Lock::Timeout=300"]
    processes.follow(["apt-get", *wait, *arguments], show, env={**os.environ, **QUIET})


@contextlib.contextmanager
def _nothing_starts() -> Iterator[None]:
    """Forbid packages to start servers; the policy that was there returns, also after a crash."""
    if POLICY_BEFORE.exists():
        POLICY_BEFORE.rename(POLICY)
    if _forbidden():
        yield
        return
    if POLICY.exists():
        POLICY.rename(POLICY_BEFORE)
    try:
        POLICY.write_text(FORBID)
        POLICY.chmod(0o755)
        yield
    finally:
        POLICY.unlink(missing_ok=True)
        if POLICY_BEFORE.exists():
            POLICY_BEFORE.rename(POLICY)


def _forbidden() -> bool:
    if not os.access(POLICY, os.X_OK):
        return False
    asked = subprocess.run([POLICY, "rabbitmq-server", "start"], capture_output=True, check=False)
    return asked.returncode == 101


@contextlib.contextmanager
def _no_cluster() -> Iterator[None]:
    """Keep postgresql-common from making a cluster `main`."""
    made = [folder for folder in reversed(NO_CLUSTER.parents) if not folder.exists()]
    NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    NO_CLUSTER.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        NO_CLUSTER.unlink(missing_ok=True)
        for folder in reversed(made):
            with contextlib.suppress(OSError):  # the package has put its own files there: keep it
                folder.rmdir()


def _disable(units: Sequence[str]) -> None:
    """What came with the packages neither runs nor starts at the next boot."""
    for unit in units:
        if not (SYSTEMD / unit).exists():
            continue
        processes.succeeds(["systemctl", "disable", "--now", unit])
        name = Path(unit).stem
        if Path("/etc/init.d", name).exists():
            processes.succeeds(["update-rc.d", name, "disable"])


def _stop_started(say: Say) -> None:
    """Without systemd, what a package script starts inherits our mark."""
    started = processes.marked(MARK)
    for process in started:
        say("apt-get", f"stopping {process.command}, which a package has started")
    pids = [process.pid for process in started]
    if not processes.end(pids, signal.SIGTERM, 20):
        processes.end(pids, signal.SIGKILL, 5)
