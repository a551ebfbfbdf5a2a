"""Debian's packages without root: fetched by apt-get and unpacked into a folder of our own.

Nothing of it is installed: no package script runs, the machine's package lists stay as they are.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from . import processes
from .failures import Unavailable
from .progress import Say
from .state import CHECKOUT

PROGRAMS = CHECKOUT / ".state" / "programs"
ERLANG = "usr/lib/erlang"


def rabbitmq() -> Path | None:
    """The folder with the unpacked `rabbitmq-server`, if it is there."""
    bins = PROGRAMS / "rabbitmq-server" / "usr/lib/rabbitmq/bin"
    return bins if (bins / "rabbitmq-server").exists() else None


def pip_wheel() -> Path | None:
    """The unpacked wheel of pip, which Python can run as it is."""
    return next(PROGRAMS.glob("python3-pip-whl/usr/share/python-wheels/pip-*.whl"), None)


def smtp_sink() -> Path | None:
    """The unpacked `smtp-sink` of Postfix, if it is there."""
    found = PROGRAMS / "postfix" / "usr/sbin/smtp-sink"
    return found if found.exists() else None


def mail() -> dict[str, str]:
    """Where Postfix's unpacked programs and their libraries are; nothing where they aren't."""
    if smtp_sink() is None:
        return {}
    root = PROGRAMS / "postfix"
    libraries = [root / "usr/lib/postfix", *root.glob("usr/lib/*-linux-gnu")]
    path = os.pathsep.join([str(root / "usr/sbin"), os.environ.get("PATH", os.defpath)])
    return {"PATH": path, "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries))}


def environment() -> dict[str, str]:
    """Where unpacked programs find each other and their libraries."""
    root = PROGRAMS / "rabbitmq-server"
    own = [str(root / ERLANG / "bin"), str(root / "usr/bin")] if root.is_dir() else []
    libraries = [str(path) for path in root.glob("**/*-linux-gnu") if path.is_dir()]
    found = {"PATH": os.pathsep.join([*own, os.environ.get("PATH", os.defpath)])}
    return {**found, "LD_LIBRARY_PATH": os.pathsep.join(libraries)} if libraries else found


def bring(package: str, say: Say) -> None:
    """Fetch the package, and what it needs that this machine lacks, and unpack them all."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Unavailable(f"{package} is neither here nor to be had: this machine has no apt-get")
    place = PROGRAMS / package
    new = place.with_name(f"{package}.new")
    shutil.rmtree(new, ignore_errors=True)
    fetched = _fetch(package, new / "apt", say)
    for number, archive in enumerate(fetched, start=1):
        say("unpack", f"{number} of {len(fetched)}: {archive.name.partition('_')[0]}")
        processes.run(["dpkg-deb", "--extract", str(archive), str(new)])
    shutil.rmtree(new / "apt")
    _point_erlang(new, place)
    shutil.rmtree(place, ignore_errors=True)
    new.rename(place)


def _fetch(package: str, apt: Path, say: Say) -> list[Path]:
    """The package files, fetched with package lists of our own."""
    for folder in ("lists/partial", "archives/partial"):
        (apt / folder).mkdir(parents=True)
    options = [f"Dir::State::lists={apt}/lists", f"Dir::Cache={apt}", "Debug::NoLocking=true"]
    command = ["apt-get", *(word for option in options for word in ("-o", option))]
    say("apt-get", "reading Debian's package lists")
    processes.run([*command, "update"], patience=300)
    names = _lacking(command, package)
    say("apt-get", f"fetching {len(names)} packages: {', '.join(names)}")
    processes.run([*command, "download", *names], cwd=apt, patience=600)
    return sorted(apt.glob("*.deb"))


def _lacking(command: Sequence[str], package: str) -> list[str]:
    """What apt-get would install; it only pretends."""
    plan = processes.run([*command, "--simulate", "--no-install-recommends", "install", package])
    return [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]


def _point_erlang(root: Path, place: Path) -> None:
    """Erlang's start scripts name the folder they were built for: let them name ours."""
    scripts = [*root.glob(f"{ERLANG}/bin/*"), *root.glob(f"{ERLANG}/erts-*/bin/*")]
    for script in scripts:
        if script.is_symlink() or not script.read_bytes().startswith(b"#!"):
            continue
        text = script.read_text()
        script.write_text(text.replace(f"ROOTDIR=/{ERLANG}", f"ROOTDIR={place}/{ERLANG}"))
