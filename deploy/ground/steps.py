"""`deploy/test`, as typed: lint, types, import contracts and every test, on servers of its own.

Every step runs, whatever came of those before it. The exit status is that of the first that failed,
and the last line printed is pytest's own closing line.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from . import environment, prepare, progress, servers, state
from .progress import Say
from .state import CHECKOUT

SUITES = ("tests/stories", "tests/integration", "tests/test_shape.py", "tests/unit")
QUICK = SUITES[2:]
CHECKS = (
    ("lint", ("ruff", "check", ".")),
    ("format", ("ruff", "format", "--check", ".")),
    ("types", ("mypy",)),
    ("import contracts", ("lint-imports", "--no-logo")),
)
PARALLEL = ("-n", "4", "--dist", "loadfile", "--no-loadscope-reorder")
"""Files side by side, those of the longest tests first: most of them wait most of the time."""
STORM = ("python", "-m", "tests.chaos", "random", "--minutes", "3", "--seed", "5")
"""With `--storm` the last step, on servers of its own; the same faults every time."""
WATCHING = frozenset({"-s", "-x", "-n", "--pdb", "--exitfirst", "--capture=no"})
"""What somebody types who looks on: then one after the other, as when paths are given."""
WIDTH = 80
LONG = {"DELIVERYD_LONG": "1"}
"""What `tests/forms.py` goes by."""
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""The tests start hundreds of daemons: each would compile all of it, were nobody to keep that."""
PATIENCE = 60.0  # for an interrupted step: tests end the daemons that they have started


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What came of one step: its exit status, how long it took, and the last line it printed."""

    name: str
    status: int
    seconds: float
    closing: str


def main(arguments: Sequence[str]) -> int:
    """Run all steps and return the exit status of the first that failed."""
    options, rest = _parser().parse_known_args(arguments)
    say = progress.printer()
    if options.quick:
        prepare.python(say)
    else:
        prepare.tests(say)
    done = [_run(name, argv, {}) for name, argv in CHECKS]
    suites = _suites(rest, QUICK if options.quick else SUITES)
    side_by_side = PARALLEL if suites and not WATCHING.intersection(rest) else ()
    with _servers(options, say) as variables:
        words = ["pytest", *side_by_side, *suites, *rest]
        done.append(_run("tests", words, {**variables, **(LONG if options.long else {})}))
    closing = done[-1].closing
    if options.storm:
        done.append(_run("chaos", STORM, {}))
    return _close(done, closing)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy/test",
        description="Lint, types, import contracts and every test, on servers of its own.",
        epilog="Everything else is for pytest; paths below tests/ replace the whole suite.",
        allow_abbrev=False,
    )
    parser.add_argument("--quick", action="store_true", help="no servers: shape and unit tests")
    parser.add_argument(
        "--storm", action="store_true", help="and three minutes of `deploy/chaos random`"
    )
    parser.add_argument("--long", action="store_true", help="tests that have a long form run in it")
    parser.add_argument("--dir", help="the state folder of its servers (default: .state/test)")
    return parser


def _suites(rest: Sequence[str], suites: Sequence[str]) -> list[str]:
    """The suites that exist; none of them when paths were given."""
    given = [word for word in rest if word.startswith("tests")]
    return [] if given else [suite for suite in suites if (CHECKOUT / suite).exists()]


@contextlib.contextmanager
def _servers(options: argparse.Namespace, say: Say) -> Iterator[Mapping[str, str]]:
    """The variables that name the servers, which run inside this block; none when quick.

    Their data is new at the start, so that nothing of an earlier run is met, and stays at the end,
    with the servers' logs.
    """
    if options.quick:
        yield {}
        return
    folder = state.folder(options.dir or str(state.folder(None) / "test"))
    with state.held(folder, lock="test.lock", patience=1):
        servers.stop(folder, say)
        state.wipe(folder, servers.KINDS)
        state.make_scratch(folder)
        try:
            found = servers.start(folder, say)
            yield {**found.environment(), "DELIVERYD_STATE": str(folder)}
        finally:
            servers.stop(folder, progress.silent)


def _run(name: str, argv: Sequence[str], variables: Mapping[str, str]) -> Step:
    print(f"\n── {name}: {' '.join(argv)} ".ljust(WIDTH, "─"), flush=True)
    began = time.monotonic()
    colours = {"FORCE_COLOR": "1", "MYPY_FORCE_COLOR": "1"} if sys.stdout.isatty() else {}
    child = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=CHECKOUT,
        env={**environment.activated(), **COMPILED, **variables, **colours},
        start_new_session=True,  # Ctrl-C reaches it through us, and once
    )
    closing = _watch(child)
    seconds = time.monotonic() - began
    print(f"── {_verdict(child.returncode)}, {seconds:.1f} s", flush=True)
    return Step(name=name, status=child.returncode, seconds=seconds, closing=closing)


def _watch(child: subprocess.Popen[bytes]) -> str:
    """Copy what the step prints, as it comes, until it ends; its last line."""
    if child.stdout is None:
        return ""
    try:
        closing = _copy(child.stdout)
    except KeyboardInterrupt:
        child.send_signal(signal.SIGINT)
        try:
            sys.stdout.buffer.write(child.communicate(timeout=PATIENCE)[0])
        finally:
            child.kill()
        raise
    child.wait()
    return closing


def _copy(source: IO[bytes]) -> str:
    end = b""
    while chunk := os.read(source.fileno(), 65536):
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        end = (end + chunk)[-4096:]
    lines = end.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _close(done: Sequence[Step], closing: str) -> int:
    """The table of all steps, then pytest's closing line; the status of the first that failed."""
    print(f"\n── all steps, {sum(step.seconds for step in done):.0f} s ".ljust(WIDTH, "─"))
    for step in done:
        print(f"   {step.name:<18}{step.seconds:7.1f} s   {_verdict(step.status)}")
    print(closing, flush=True)
    return next((step.status for step in done if step.status), 0)


def _verdict(status: int) -> str:
    return f"FAILED with {status}" if status else "passed"
