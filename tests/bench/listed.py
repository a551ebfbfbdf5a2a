"""A campaign to those whom the directory knows: a list that was imported, instead of frames.

Beside it goes the same campaign in frames, just before and just after, in the same session: it is
not slower to be found than to be named.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bench import letter
from tests.bench.campaign import campaign as in_frames
from tests.bench.case import Size
from tests.bench.figures import Result, Run
from tests.bench.race import Goal, Race, Tell
from tests.bench.stand import Stand

LEAST = 0.40
"""Of the reference's rate, as in frames."""
_AS_FAST = 0.95
"""Of the rate in frames: two equal runs differ by so much."""
_LIST = 1
_CUSTOMER = 1


async def peopled(stand: Stand, recipients: int) -> Sequence[Mapping[str, Any]]:
    """Brings them in as an operator would, and answers who they are; a daemon runs already."""
    people = [letter.recipient(number) for number in range(recipients)]
    files = [*_written(stand.folder, people)]
    status, document = await stand.typed("directory", "import", *map(str, files))
    assert status == 0, document
    return people


async def campaign(stand: Stand, size: Size, tell: Tell) -> Run:
    """A campaign to a list, from its publish to the last event; between two in frames."""
    before = await in_frames(stand, size, tell)
    run = await _to_the_list(stand, size, tell)
    after = await in_frames(stand, size, tell)
    rate = (before.rate + after.rate) / 2
    own = {"frames_rate": round(rate, 1), "of_frames": round(run.rate / rate, 3)}
    flaws = {"lost": before.lost + after.lost, "duplicates": before.duplicates + after.duplicates}
    return replace(
        run,
        own=own,
        lost=run.lost + flaws["lost"],
        duplicates=run.duplicates + flaws["duplicates"],
    )


def as_fast(result: Result) -> Sequence[str]:
    """What it falls short of."""
    share, flaws = result.run.own["of_frames"], []
    if share < _AS_FAST:
        flaws.append(f"{share:.3f} of the rate in frames is below {_AS_FAST:g}")
    if result.ratio < LEAST:
        flaws.append(f"ratio {result.ratio:.3f} is below {LEAST:.2f}")
    return flaws


async def _to_the_list(stand: Stand, size: Size, tell: Tell) -> Run:
    await stand.serve(size.processes)
    await peopled(stand, size.recipients)
    (body,) = letter.listed(size.recipients)
    # accepted, completed
    race = Race(stand, Goal(recipients=size.recipients, events=size.recipients + 2), tell)
    async with asyncio.TaskGroup() as group:
        group.create_task(stand.post.publish([letter.encoded(body)]))
        run = group.create_task(race.over())
    return run.result()


def _written(folder: Path, people: Sequence[Mapping[str, Any]]) -> Iterator[Path]:
    """The files of an import: the list, its contacts, and that they are in it."""
    contacts = [_contact(one) for one in people]
    members = [{"list_id": _LIST, "address": one["address"]} for one in people]
    everyone = [{"id": _LIST, "customer_id": _CUSTOMER, "name": "everyone"}]
    for name, rows in (("list", everyone), ("contact", contacts), ("list_member", members)):
        path = folder / f"{name}.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        yield path


def _contact(one: Mapping[str, Any]) -> dict[str, Any]:
    first, last = one["name"].split()
    names = {"first_name": first, "last_name": last}
    return {"customer_id": _CUSTOMER, "address": one["address"], **names, "custom": one["vars"]}
