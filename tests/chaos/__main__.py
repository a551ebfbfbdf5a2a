"""`python -m tests.chaos`, as typed: see `deploy/chaos --help`."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.chaos import matrix
from tests.chaos.points import POINTS
from tests.chaos.report import Report
from tests.stories.servers import Pair, Servers


def main(arguments: Sequence[str]) -> int:
    """Does what was typed and answers the exit status."""
    options = _parser().parse_args(arguments)
    report = Report(as_json=options.json)
    if options.keep_logs:
        options.keep_logs.mkdir(parents=True, exist_ok=True)
        asyncio.run(_run(options, options.keep_logs.resolve(), report))
    else:
        with tempfile.TemporaryDirectory(prefix="deliveryd-chaos-") as folder:
            asyncio.run(_run(options, Path(folder), report))
    return report.close()


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
    points.add_argument("points", nargs="*", metavar="POINT", help=f"only these; of {names}")
    return parser


async def _run(options: argparse.Namespace, folder: Path, report: Report) -> None:
    pair = Pair(folder=folder / "servers")
    pair.folder.mkdir(exist_ok=True)
    report.say("servers: starting")
    try:
        servers = await Servers.at(*await pair.start())
        report.say("servers: ready")
        await matrix.run(servers, folder, report, options.points, keep=bool(options.keep_logs))
    finally:
        await pair.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
