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
from typing import Any

from tests.bench import bringing, finding, history, plot, proof, rounds, show
from tests.bench.bars import Bars
from tests.bench.case import Case, Size
from tests.bench.cases import CASES, SOURCES
from tests.bench.figures import Result
from tests.bench.rounds import Order
from tests.stories.servers import DSN, URL, Servers

VOID = 3
_EXITS = "exit status: 0 done, 1 something is wrong, 2 wrong usage, 3 void"


def main(arguments: Sequence[str]) -> int:
    """Does what was typed and answers the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.work(options))
    except KeyboardInterrupt:
        return 130


def _measure(options: argparse.Namespace) -> int:
    with _folder() as folder:
        return asyncio.run(_measured(options, folder))


def _brought(options: argparse.Namespace) -> int:
    with _folder() as folder:
        return bringing.measure(options, folder)


def _found(options: argparse.Namespace) -> int:
    with _folder() as folder:
        return finding.measure(options, folder)


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
    _history(verbs)
    _bringing(verbs)
    _finding(verbs)
    for case in CASES:
        text = f"{case.text} ({case.recipients:,} by default)"
        one = verbs.add_parser(case.name, help=text, description=text, epilog=_EXITS)
        one.set_defaults(case=case, work=_measure)
        one.add_argument("--recipients", type=_number, metavar="N", default=case.recipients)
        one.add_argument("--processes", type=_number, metavar="N", default=1, help="1 by default")
        one.add_argument("--json", action="store_true", help="the result as its last line")
        one.add_argument("--plot", type=Path, metavar="FILE.png", help="a picture of it")
        if case in SOURCES.values():
            help_ = "where its recipients come from: frames, by default, or the directory"
            one.add_argument("--from", dest="case", type=_source, metavar="SOURCE", help=help_)
    return parser


def _source(written: str) -> Case:
    if written not in SOURCES:
        raise argparse.ArgumentTypeError(f"one of {', '.join(SOURCES)}")
    return SOURCES[written]


def _bringing(verbs: Any) -> None:
    text = f"{bringing.TEXT} ({bringing.ROWS:,} by default)"
    one = verbs.add_parser("import", help=text, description=text, epilog=_EXITS)
    one.set_defaults(work=_brought)
    one.add_argument("--rows", type=_number, metavar="N", default=bringing.ROWS)
    one.add_argument("--json", action="store_true", help="the result as its last line")


def _finding(verbs: Any) -> None:
    text = f"{finding.TEXT} ({finding.PEOPLE:,} by default)"
    one = verbs.add_parser("expand", help=text, description=text, epilog=_EXITS)
    one.set_defaults(work=_found)
    one.add_argument("--people", type=_people, metavar="N", default=finding.PEOPLE)
    one.add_argument("--json", action="store_true", help="the result as its last line")


def _history(verbs: Any) -> None:
    text = "earlier runs, as ratios"
    one = verbs.add_parser("history", help=text, description=text)
    one.add_argument("case", nargs="?", choices=_names(), help="of this case")
    one.add_argument("--json", action="store_true", help="each as a line of JSON")
    one.set_defaults(work=_earlier)


def _earlier(options: argparse.Namespace) -> int:
    entries = history.earlier(history.place(), options.case)
    print("\n".join(map(json.dumps, entries)) if options.json else history.table(entries))
    return 0


def _names() -> list[str]:
    return [*dict.fromkeys(case.name for case in (*CASES, *SOURCES.values()))]


def _number(written: str) -> int:
    number = int(written)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _people(written: str) -> int:
    number = _number(written)
    if number < finding.FEWEST:
        raise argparse.ArgumentTypeError(f"at least {finding.FEWEST:,}: fewer are found at once")
    return number


async def _measured(options: argparse.Namespace, folder: Path) -> int:
    bars, case = Bars(), options.case
    servers = await Servers.at(os.environ[DSN], os.environ[URL])
    size = Size(recipients=options.recipients, processes=options.processes)
    order = Order(case=case, size=size, servers=servers, folder=folder, bars=bars)
    try:
        flaws = await proof.flaws(order.at("proof"))
        result = await rounds.judged(order.at("rounds"))
    finally:
        await servers.gone()
    wrong = [*flaws, *result.run.flaws, *case.shortfall(result, size)]
    _kept(result, options.plot)
    print(show.table(result, case.asked, wrong))
    if options.json:
        print(json.dumps(result.document))
    if case.is_by_ratio and result.is_void:
        return VOID
    return int(bool(wrong))


def _kept(result: Result, picture: Path | None) -> None:
    path = history.place()
    history.add(path, result, commit=history.commit(), at=history.now())
    if picture is not None:
        plot.draw(result, history.earlier(path, result.case), picture)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
