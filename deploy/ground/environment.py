"""The virtual environment `.venv`: exactly what `uv.lock` says.

uv fetches from the addresses in the lock. Where these are out of reach because the machine has an
index of its own, pip fetches the same files, by the same hashes, from there.
"""

import hashlib
import importlib
import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import processes, unpacked
from .failures import Failed
from .progress import Say
from .state import CHECKOUT

VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "deliveryd.json"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
DEBIAN = Path("/usr/bin/python3.11")
"""Compiled with profiles of its own tests: a fourth faster than what people compile themselves."""
STALE = "needs to be updated"
TOLD = re.compile(r"^(Resolved|Prepared|Installed|Uninstalled|Collecting|Downloading)")


def is_current(groups: Sequence[str]) -> bool:
    """Whether the environment is that of this lock file, here, with these dependency groups."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return False
    known = {key: value for key, value in stamp.items() if key != "groups"}
    return known == _facts() and set(groups) <= set(stamp["groups"]) and PYTHON.exists()


def has_ensurepip() -> bool:
    """Whether this Python makes environments with pip; Debian's does with `python3-venv` only."""
    importlib.invalidate_caches()
    return importlib.util.find_spec("ensurepip") is not None


def bring(groups: Sequence[str], say: Say) -> None:
    """Make the environment, or bring it up to date."""
    if is_current(groups):
        return
    variables = _variables()
    _make(say)
    pip = _pip(say)
    if not (VENV / "bin" / "uv").exists():
        say(".venv", "uv, which reads the lock file")
        _follow([*pip, "install", "uv"], variables, say)
    _sync(pip, groups, variables, say)
    STAMP.write_text(json.dumps({**_facts(), "groups": sorted(groups)}, indent=2))


def activated() -> dict[str, str]:
    """The environment variables under which the programs of `.venv` come first."""
    path = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(VENV)}


def _make(say: Say) -> None:
    if PYTHON.exists() and processes.succeeds([str(PYTHON), "-c", "import sys"]):
        return
    python = _interpreter()
    say(".venv", f"a virtual environment of {python}")
    shutil.rmtree(VENV, ignore_errors=True)
    without = [] if python == str(DEBIAN) or has_ensurepip() else ["--without-pip"]
    processes.run([python, "-m", "venv", *without, str(VENV)], cwd=CHECKOUT)


def _interpreter() -> str:
    """Debian's, where it is there and can make a whole environment, else the one we run under."""
    usable = DEBIAN.exists() and processes.succeeds([str(DEBIAN), "-c", "import ensurepip"])
    return str(DEBIAN) if usable else sys.executable


def _pip(say: Say) -> list[str]:
    """The command that is pip: the environment's own, else the wheel of Debian's package."""
    own = [str(PYTHON), "-m", "pip"]
    if processes.succeeds([*own, "--version"]):
        return own
    if unpacked.pip_wheel() is None:
        unpacked.bring("python3-pip-whl", say)
    return [str(PYTHON), f"{unpacked.pip_wheel()}/pip"]


def _sync(
    pip: Sequence[str], groups: Sequence[str], variables: Mapping[str, str], say: Say
) -> None:
    uv = str(VENV / "bin" / "uv")
    wanted = [word for group in groups for word in ("--group", group)]
    if not _settings(pip).get("index-url"):
        try:
            # inexact: pip, uv and the groups asked for before stay
            _follow([uv, "sync", "--locked", "--inexact", *wanted], variables, say)
        except Failed as trouble:
            if STALE in str(trouble):
                raise
            reason = str(trouble).splitlines()[-1].strip()
            say(".venv", f"uv could not fetch everything ({reason}); now pip, as it is set up here")
        else:
            return
    _install(pip, [uv, "export", "--frozen", "--no-emit-project", *wanted], variables, say)


def _install(
    pip: Sequence[str], export: Sequence[str], variables: Mapping[str, str], say: Say
) -> None:
    """What the lock names, by its hashes; then the project itself, which has no hash."""
    wanted = VENV / "requirements.txt"
    processes.run([*export, "--output-file", str(wanted)], env=variables, cwd=CHECKOUT)
    _follow([*pip, "install", "--require-hashes", "-r", str(wanted)], variables, say)
    _follow([*pip, "install", "--no-deps", "--editable", str(CHECKOUT)], variables, say)


def _follow(argv: Sequence[str], variables: Mapping[str, str], say: Say) -> None:
    def show(line: str) -> None:
        if TOLD.match(line):
            say(".venv", line.strip())

    processes.follow(argv, show, env=variables, cwd=CHECKOUT)


def _settings(pip: Sequence[str]) -> dict[str, str]:
    """The settings of pip, from its files and from the environment, by their bare names."""
    lines = processes.run([*pip, "config", "list"]).splitlines()
    found = (re.match(r"[^=]*\.([a-z-]+)='(.*)'$", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def _variables() -> dict[str, str]:
    """The variables for pip and uv; those who have no home get a cache in the state folder."""
    told = {"UV_PROJECT_ENVIRONMENT": str(VENV), "UV_PYTHON_DOWNLOADS": "never"}
    variables = {**activated(), **told, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1"}
    if not os.access(Path("~").expanduser(), os.W_OK):
        cache = CHECKOUT / ".state" / "cache"
        variables.update(UV_CACHE_DIR=f"{cache}/uv", PIP_CACHE_DIR=f"{cache}/pip")
    # uv brings its own certificates and would not know those that were added to this machine
    known = (variables.get(name) for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"))
    certificates = next(filter(None, known), CERTIFICATES)
    return (
        {**variables, "SSL_CERT_FILE": certificates} if Path(certificates).exists() else variables
    )


def _facts() -> dict[str, str]:
    locked = (CHECKOUT / "uv.lock").read_bytes() + (CHECKOUT / "pyproject.toml").read_bytes()
    return {
        "locked": hashlib.sha256(locked).hexdigest(),
        "checkout": str(CHECKOUT),
        "python": str(PYTHON.resolve()),
    }
