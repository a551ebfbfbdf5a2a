"""`python -m tests.bench`, as typed: see `deploy/bench --help`."""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench import proof, rounds, show
from tests.bench.bars import Bars
from tests.bench.cases import CASES, Case, Size
from tests.bench.figures import Result
from tests.bench.rounds import Order
from tests.stories.servers import DSN, URL, Servers

VOID = 3
_EXITS = "exit status: 0 done, 1 something is lost, doubled or untrue, 2 wrong usage, 3 void"


def main(arguments: Sequence[str]) -> int:
    """Does what was typed and answers the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with _folder() as folder:
            return asyncio.run(_measured(options, folder))
    except KeyboardInterrupt:
        return 130


@contextmanager
def _folder() -> Iterator[Path]:
    """Where logs and counts lie while it runs; the sink, which is nobody, gets there too."""
    with tempfile.TemporaryDirectory(prefix="deliveryd-bench-") as passing:
        folder = Path(passing)
        folder.chmod(0o711)
        yield folder


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy/bench",
        description="Measures the daemon against smtp-source, in one run, on servers of its own.",
        epilog=_EXITS,
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(title="cases", required=True, metavar="CASE")
    for case in CASES:
        text = f"{case.text} ({case.recipients:,} by default)"
        one = verbs.add_parser(case.name, help=text, description=text, epilog=_EXITS)
        one.set_defaults(case=case)
        one.add_argument("--recipients", type=_number, metavar="N", default=case.recipients)
        one.add_argument("--processes", type=_number, metavar="N", default=1, help="1 by default")
        one.add_argument("--json", action="store_true", help="the result as its last line")
    return parser


def _number(written: str) -> int:
    number = int(written)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


async def _measured(options: argparse.Namespace, folder: Path) -> int:
    bars, case = Bars(), options.case
    servers = await Servers.at(os.environ[DSN], os.environ[URL])
    order = Order(
        case=case,
        size=Size(recipients=options.recipients, processes=options.processes),
        servers=servers,
        folder=folder,
        bars=bars,
    )
    try:
        flaws = await proof.flaws(order)
        result = await rounds.judged(order)
    finally:
        await servers.gone()
    return _told(case, result, flaws, as_json=options.json)


def _told(case: Case, result: Result, flaws: Sequence[str], *, as_json: bool) -> int:
    print(show.table(result, flaws, least=case.least, aim=case.aim))
    if as_json:
        print(json.dumps(result.document))
    if result.is_void:
        return VOID
    return int(bool(flaws or result.run.lost or result.run.duplicates))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
