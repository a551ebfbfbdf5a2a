"""`deploy/chaos crashpoints`: every point, three positions, alone and with a second instance."""

import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.chaos import crash
from tests.chaos.crash import Death
from tests.chaos.points import POINTS, Mode, Point, Position
from tests.chaos.report import Report
from tests.checker.verdict import Check
from tests.stories import house as houses
from tests.stories.servers import Servers


async def run(
    servers: Servers, folder: Path, report: Report, points: Sequence[str], *, keep: bool
) -> None:
    """Every death in a house of its own; the folder of one that went well is taken away."""
    deaths = [death for point in chosen(points) for death in of(point)]
    report.state(deaths=len(deaths))
    for death in deaths:
        place = folder / death.name.replace(" ", "-")
        place.mkdir(parents=True)
        if await _round(servers, place, report, death) and not keep:
            shutil.rmtree(place)


def chosen(names: Sequence[str]) -> list[Point]:
    """The points of these names, or all. ValueError for one that doesn't exist."""
    known = {point.name: point for point in POINTS}
    if strange := [name for name in names if name not in known]:
        raise ValueError(f"no such point: {strange}; there are {', '.join(known)}")
    return [known[name] for name in names] or list(POINTS)


def of(point: Point) -> Iterator[Death]:
    """Every way in which somebody may die there."""
    for position in Position:
        for mode in Mode:
            for policy in ("resend", "hold") if point.is_doubt else ("resend",):
                yield Death(point=point, position=position, mode=mode, policy=policy)


async def _round(servers: Servers, folder: Path, report: Report, death: Death) -> bool:
    began = time.monotonic()
    try:
        async with houses.opened(servers, folder, is_quiet=True) as house:
            await crash.prepared(house)
            found = await crash.died(house, death)
    except (AssertionError, TimeoutError, ExceptionGroup) as fault:
        report.say(f"{death.name:<26} FAILED  {fault}")
        report.round(death.name, [_unended(fault)])
        return False
    well = report.round(death.name, found.checks)
    verdict = "ok" if well else "FAILED  " + "; ".join(found.flaws[:3])
    report.say(
        f"{death.name:<26} {time.monotonic() - began:5.1f} s  {found.jobs:>2} jobs"
        f"  {found.doubts} doubts  {found.repeats} repeats  {verdict}"
    )
    return well


def _unended(fault: BaseException) -> Check:
    promise = "all work was ended by others"
    return Check(invariant="I2", promise=promise, held=0, flaws=(str(fault),))
