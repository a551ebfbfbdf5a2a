"""`deploy/chaos mutants`: each safeguard is taken out once, and some test must notice.

The tests that shall notice are run on the unchanged copy first: what fails there proves nothing.
"""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.chaos.report import Report
from tests.chaos.safeguards import SAFEGUARDS, Safeguard
from tests.checker.verdict import Check
from tests.stories.servers import Servers

TOP = Path(__file__).resolve().parents[2]
PARTS = ("daemon", "tests", "deploy", "config.toml", "pyproject.toml", "README.md")
PATIENCE = 600.0
"""Seconds that the tests of one safeguard may take; whoever hangs has noticed, too."""
_FAILED = 1
"""pytest's status when tests were run and one failed; any other would prove nothing."""
_ENDED = 5.0


async def run(servers: Servers, folder: Path, report: Report, wanted: Sequence[str]) -> None:
    """Takes out one after the other; `wanted` names some of them, none means all."""
    # the tests that are started find them there
    os.environ |= {"DELIVERYD_POSTGRES__DSN": servers.dsn, "DELIVERYD_RABBITMQ__URL": servers.url}
    chosen = [one for one in SAFEGUARDS if not wanted or one.name in wanted]
    copy = folder / "copy"
    _copied(copy)
    tests = sorted({test for one in chosen for test in one.tests})
    report.say(f"unchanged: {len(tests)} files of tests")
    if await _status(copy, tests, folder / "unchanged.log") != 0:
        flaw = _end(folder / "unchanged.log")
        report.round("unchanged", [_check(0, "the tests pass on the code as it is", flaw)])
        return
    for number, one in enumerate(chosen, start=1):
        flaw = await _flaw(one, copy, folder, report)
        report.round(one.name, [_check(number, f"{one.name}: {one.promise}", flaw)])


def _check(number: int, promise: str, flaw: str) -> Check:
    return Check(
        invariant=f"S{number}", promise=promise, held=int(not flaw), flaws=(flaw,) if flaw else ()
    )


async def _flaw(one: Safeguard, copy: Path, folder: Path, report: Report) -> str:
    """What is wrong with its tests: empty = its absence was noticed."""
    began, log = time.monotonic(), folder / f"{one.name}.log"
    try:
        _take_out(one, copy)
        status = await _status(copy, one.tests, log)
    except LookupError as error:
        return str(error)
    finally:
        _put_back(one, copy)
    is_noticed = status in (_FAILED, None)
    said = "noticed" if is_noticed else "NOT NOTICED"
    report.say(f"without {one.name:<20} {time.monotonic() - began:5.1f} s  {said}")
    return "" if is_noticed else f"nobody noticed: {_end(log)}"


def _end(log: Path) -> str:
    """How pytest closed."""
    return " / ".join(log.read_text(errors="replace").splitlines()[-3:])


def _copied(copy: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", ".state", "*.pyc")
    for part in PARTS:
        source = TOP / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=ignored)
        else:
            copy.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy / part)


def _take_out(one: Safeguard, copy: Path) -> None:
    for edit in one.edits:
        path = copy / edit.path
        before = path.read_text(encoding="utf-8")
        if before.count(edit.text) != 1:
            raise LookupError(f"{edit.path} has {before.count(edit.text)} times: {edit.text!r}")
        path.write_text(before.replace(edit.text, edit.instead), encoding="utf-8")


def _put_back(one: Safeguard, copy: Path) -> None:
    for edit in one.edits:
        shutil.copy2(TOP / edit.path, copy / edit.path)


async def _status(copy: Path, tests: Iterable[str], log: Path) -> int | None:
    """Pytest's exit status over some tests of the copy; None = it didn't end."""
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests),
            cwd=copy,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=written,
            stderr=written,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                return await process.wait()
        except TimeoutError:
            return None
        finally:
            if process.returncode is None:
                process.terminate()
                async with asyncio.timeout(_ENDED):
                    await process.wait()
