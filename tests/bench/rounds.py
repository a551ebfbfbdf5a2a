"""Reference, run, reference; and again when the machine was another one at the end."""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench import relay, stand
from tests.bench.bars import Bars
from tests.bench.case import Case, Size
from tests.bench.figures import Result
from tests.bench.relay import Sink
from tests.stories.servers import Servers

REPEATS = 3
"""Times that a void run is repeated."""
MAILS = 20_000
"""Mails of one reference: two seconds of work, so that a hiccup doesn't count for much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be measured, and where."""

    case: Case
    size: Size
    servers: Servers
    folder: Path
    bars: Bars

    def at(self, name: str) -> "Order":
        """The same in a folder of its own, which the sink can get to."""
        folder = _made(self.folder / name)
        folder.chmod(0o711)
        return replace(self, folder=folder)


async def judged(order: Order) -> Result:
    """The first result that counts; or, after all repeats, one that is void."""
    async with relay.sink(order.folder, order.case.flags) as sink:
        for number in itertools.count():
            result = await _once(order, sink, _made(order.folder / str(number)))
            if not (order.case.is_by_ratio and result.is_void) or number == REPEATS:
                break
            order.bars.say(
                f"void: {result.before:,.0f} mails/s before, {result.after:,.0f} after; once more"
            )
    return result


async def _once(order: Order, sink: Sink, folder: Path) -> Result:
    before = await _reference(sink, order.bars)
    async with stand.opened(order.servers, sink, folder) as stood:
        with order.bars.stage(order.case.name, order.size.recipients) as tell:
            run = await order.case.run(stood, order.size, tell)
    after = await _reference(sink, order.bars)
    return Result(
        case=order.case.name, run=run, before=before, after=after, processes=order.size.processes
    )


async def _reference(sink: Sink, bars: Bars) -> float:
    with bars.stage("reference", MAILS):
        return await sink.reference(MAILS)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
