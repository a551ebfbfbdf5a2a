"""The benchmark, small, against everything real: what it counts is what there is."""

import argparse
import json
import os
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.bench import bringing, finding, proof, relay, stand
from tests.bench.bars import Bars
from tests.bench.case import Size
from tests.bench.cases import CASES, SOURCES
from tests.bench.rounds import Order
from tests.bench.stand import Stand
from tests.checker import books
from tests.stories.servers import DSN, URL, Servers

BY_NAME = {case.name: case for case in (*CASES, *SOURCES.values())}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a sink, which is nobody, gets to; pytest's own is closed to others."""
    with tempfile.TemporaryDirectory(prefix="deliveryd-bench-test-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
async def servers(template_database: str) -> Servers:
    """Those of all tests, with their template."""
    return Servers(dsn=os.environ[DSN], url=os.environ[URL], template=template_database)


@pytest.fixture
async def stood(servers: Servers, folder: Path) -> AsyncIterator[Stand]:
    """What one run stands on."""
    async with relay.sink(folder) as sink, stand.opened(servers, sink, folder) as opened:
        yield opened


async def test_a_list_beside_frames(stood: Stand) -> None:
    """The same people, brought by an import, get the same campaign as those whom frames name."""
    run = await BY_NAME["directory"].run(stood, Size(recipients=100), lambda _: None)
    assert (run.recipients, run.delivered, run.lost, run.duplicates) == (100, 100, 0, 0)
    assert run.own["of_frames"] == pytest.approx(run.rate / run.own["frames_rate"], abs=0.01)
    written = Counter(one.address for one in (await books.read(stood.dsn)).deliveries)
    assert len(written) == 100
    assert set(written.values()) == {3}


@pytest.mark.parametrize(("name", "recipients"), [("campaign", 600), ("requests", 20)])
async def test_everything_is_counted_once(stood: Stand, name: str, recipients: int) -> None:
    """Mails by the sink, events off the exchange, CPU and memory by the kernel."""
    run = await BY_NAME[name].run(stood, Size(recipients=recipients), lambda _: None)
    assert (run.delivered, run.lost, run.duplicates) == (recipients, 0, 0)
    assert run.events == len((await books.read(stood.dsn)).entries)
    assert run.first is not None
    assert 0 < run.first <= run.seconds
    assert run.cpu["daemon"] > 0
    assert run.rss > 2**20


async def test_the_reference_brings_what_it_was_asked_for(stood: Stand) -> None:
    """And the sink counts it, which is asserted where it is measured."""
    before = stood.sink.stored
    assert await stood.sink.reference(500) > 0
    assert stood.sink.stored == before + 500


@pytest.mark.parametrize("name", ["campaign", "directory"])
async def test_the_proof_finds_nothing_where_all_is_well(
    servers: Servers, folder: Path, name: str
) -> None:
    """Every mail dumped, every event and the books, read by the checker."""
    case, size = BY_NAME[name], Size(recipients=20)
    order = Order(case=case, size=size, servers=servers, folder=folder, bars=Bars())
    assert await proof.flaws(order) == []


def test_an_import_beside_a_bare_copy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both are timed over the same rows, and the ratio is in the document."""
    code = bringing.measure(argparse.Namespace(rows=3_000, json=True), tmp_path)
    assert code in (0, bringing.VOID)
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["case"], result["rows"]) == ("import", 3_000)
    assert 0 < result["of_bare"] == pytest.approx(result["rate"] / result["bare_rate"], abs=0.01)


def test_everyone_beside_a_bare_insert(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All who were put there are found, and what is promised is in the document."""
    code = finding.measure(argparse.Namespace(people=12_000, json=True), folder)
    assert code in (0, finding.VOID)
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["case"], result["recipients"]) == ("expand", 12_000)
    assert 0 < result["of_bare"] == pytest.approx(result["rate"] / result["bare_rate"], abs=0.01)
    assert finding.MOST.keys() <= result.keys()
    assert finding.shortfall(result | {"of_bare": 0.1, "beside_ms": 2000.0}) != []
