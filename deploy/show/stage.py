"""`deploy/demo`, as typed: sets up, starts everything, watches over the play, stops everything."""

import argparse
import contextlib
import secrets
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ground import environment, prepare, progress, servers, state, verbs
from ground.failures import Failed
from ground.progress import Say
from ground.state import CHECKOUT

from . import afterwards, programs
from .programs import Place

CAMPAIGN = 200
LEAST, MOST = 10, 5000  # four of them are special; more than 5,000 don't fit in one parcel
LETTERS = "bcdfghjkmnpqrstvwxz"  # no vowels, so no words: they tell the addresses of runs apart
PATIENCE = 10.0
EPILOG = """\
Installs what is missing, says what and why, and starts a private Postgres and RabbitMQ, unless
DELIVERYD_POSTGRES__DSN and DELIVERYD_RABBITMQ__URL name others. All data lies in one folder.
exit status: 0 mail and events are exactly what the samples demand, 1 they are not,
2 wrong usage, 69 something needed isn't to be had, 130 interrupted"""


def main(arguments: Sequence[str]) -> int:
    """Show everything and return the exit status."""
    options = _parser().parse_args(arguments)
    say = progress.printer()
    folder = state.folder(options.dir or str(state.folder(None) / "demo"))
    with state.held(folder, lock="demo.lock", patience=1):
        if options.stop:
            _stop(folder, say)
            return 0
        prepare.everything(say)
        return _shown(folder, options, say)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy/demo",
        description="Sends sample requests through a real deliveryd; shows what becomes of them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--once", action="store_true", help="for scripts: plain lines, no live tables")
    end.add_argument("--keep", action="store_true", help="leave everything running, to play with")
    end.add_argument("--stop", action="store_true", help="stop what --keep has left running")
    parser.add_argument("--dir", help="the state folder (default: .state/demo)")
    parser.add_argument(
        "--recipients",
        type=_size,
        default=CAMPAIGN,
        metavar="N",
        help=f"recipients of the campaign, {LEAST} to {MOST} (default: {CAMPAIGN})",
    )
    return parser


def _size(text: str) -> int:
    size = int(text) if text.isdecimal() else 0
    if not LEAST <= size <= MOST:
        raise argparse.ArgumentTypeError(f"{LEAST} to {MOST}")
    return size


def _shown(folder: Path, options: argparse.Namespace, say: Say) -> int:
    """The show between start and stop. What was started is stopped, whatever comes, unless kept."""
    run, kept = "".join(secrets.choice(LETTERS) for _ in range(4)), False
    try:
        try:
            place, variables = _started(folder, say)
            say("demo", "publishes six requests and follows what becomes of them")
            status = _played(place, variables, run, options)
            kept = options.keep
        finally:
            _deafen()
    finally:
        if not kept:
            _stop(folder, say)
    if status:
        say("daemon", f"what it had to say is in {programs.near(place.log('daemon'))}")
    print(afterwards.text(place, run, kept=kept), flush=True)
    return status


def _started(folder: Path, say: Say) -> tuple[Place, dict[str, str]]:
    """Servers, sink and daemon; where they are, and how the daemon is configured."""
    programs.stop(folder, say)  # what an earlier --keep left
    found = servers.start(folder, say)
    place = programs.settle(folder)
    variables = programs.settings(place, found)
    programs.start(place, variables, say)
    afterwards.write(place, variables)
    return place, variables


def _deafen() -> None:
    """From here on things are put away: Ctrl-C can't hurry that, only leave something behind."""
    for request in verbs.REQUESTS:
        signal.signal(request, signal.SIG_IGN)


def _stop(folder: Path, say: Say) -> None:
    programs.stop(folder, say)
    servers.stop(folder, say)


def _played(
    place: Place, variables: Mapping[str, str], run: str, options: argparse.Namespace
) -> int:
    """The play, in the virtual environment, to its end; its exit status."""
    words = ["--run", run, "--record", str(place.record), "--recipients", str(options.recipients)]
    play = subprocess.Popen(
        [str(environment.PYTHON), "-m", "show", *words, *(["--plain"] if options.once else [])],
        env={
            **environment.activated(),
            **variables,
            **programs.mark(place.folder, "play"),
            "PYTHONPATH": str(CHECKOUT / "deploy"),
        },
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches it through us, and once
    )
    try:
        _attend(play, place)
    finally:
        if play.poll() is None:
            play.send_signal(signal.SIGINT)
            _ended(play)
    return play.returncode


def _attend(play: subprocess.Popen[bytes], place: Place) -> None:
    """Wait for the end of the play; Failed at once if the daemon or the sink ends before it."""
    while play.poll() is None:
        if trouble := programs.ended(place):
            raise Failed(trouble)
        with contextlib.suppress(subprocess.TimeoutExpired):
            play.wait(0.2)


def _ended(play: subprocess.Popen[bytes]) -> None:
    try:
        play.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        play.kill()
        play.wait()
