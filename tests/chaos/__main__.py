"""`python -m tests.chaos`, as typed: see `deploy/chaos --help`."""

import argparse
import asyncio
import contextlib
import secrets
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.chaos import matrix, mutants, storm
from tests.chaos.points import POINTS
from tests.chaos.report import Report
from tests.chaos.safeguards import SAFEGUARDS
from tests.stories.servers import Pair, Servers


def main(arguments: Sequence[str]) -> int:
    """Does what was typed and answers the exit status."""
    options = _parser().parse_args(arguments)
    report = Report(as_json=options.json)
    try:
        with _folder(options.keep_logs) as folder:
            asyncio.run(_run(options, folder, report))
    except Exception as fault:  # noqa: BLE001 - whatever it was: the laws say what had held
        traceback.print_exc()
        report.broken(fault)
    except KeyboardInterrupt:
        report.say("interrupted; so far:")
        report.close()
        return 130
    return report.close()


@contextlib.contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """Where logs and records lie: a place that stays, or one that nobody sees again."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="deliveryd-chaos-") as passing:
            yield Path(passing)
    else:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy/chaos",
        description="Kills, freezes and cuts, on servers of its own; then the laws are held.",
        epilog="exit status: 0 all laws held, 1 one didn't, 2 wrong usage",
        allow_abbrev=False,
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="everything as one document at the end")
    shared.add_argument("--keep-logs", type=Path, metavar="DIR", help="logs and records stay there")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", dest="verb")
    text = "kill -9 at every named point, at three positions, alone and with a second instance"
    points = verbs.add_parser("crashpoints", help=text, description=text, parents=[shared])
    names = ", ".join(point.name for point in POINTS)
    points.add_argument(
        "points", nargs="*", type=_point, metavar="POINT", help=f"only these; of {names}"
    )
    text = "three instances under a mixed load, faults every few seconds, then quiet"
    chance = verbs.add_parser("random", help=text, description=text, parents=[shared])
    chance.add_argument("--minutes", type=float, default=3.0, metavar="N", help="3 by default")
    chance.add_argument("--seed", type=int, default=secrets.randbelow(10**6), metavar="S",
                        help="makes the list of faults; some number by default")  # fmt: skip
    text = "takes out one safeguard after the other; some test must notice each time"
    absent = verbs.add_parser("mutants", help=text, description=text, parents=[shared])
    names = ", ".join(safeguard.name for safeguard in SAFEGUARDS)
    absent.add_argument(
        "safeguards", nargs="*", type=_safeguard, metavar="NAME", help=f"only these; of {names}"
    )
    return parser


def _safeguard(name: str) -> str:
    if name not in {safeguard.name for safeguard in SAFEGUARDS}:
        raise argparse.ArgumentTypeError(f"no such safeguard: {name}")
    return name


def _point(name: str) -> str:
    if name not in {point.name for point in POINTS}:
        raise argparse.ArgumentTypeError(f"no such point: {name}")
    return name


async def _run(options: argparse.Namespace, folder: Path, report: Report) -> None:
    pair = Pair(folder=folder / "servers")
    pair.folder.mkdir(exist_ok=True)
    report.say("servers: starting")
    try:
        servers = await Servers.at(*await pair.start())
        report.say("servers: ready")
        if options.verb == "random":
            minutes, seed = options.minutes, options.seed
            await storm.run(servers, pair, folder, report, minutes=minutes, seed=seed)
        elif options.verb == "mutants":
            await mutants.run(servers, folder, report, options.safeguards)
        else:
            keep = bool(options.keep_logs)
            await matrix.run(servers, folder, report, options.points, keep=keep)
    finally:
        await pair.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
