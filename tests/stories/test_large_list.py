"""A list of 100,000."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.stories import asks
from tests.stories.house import House

MEMBERS = 100_000
SENT = 2_000
"""Mails after which the rest is canceled."""
ROOM = 32 * 2**20
"""Octets that a daemon may take for it: much less than so many recipients take as objects."""


@pytest.mark.timeout(300)
async def test_a_hundred_thousand(house: House) -> None:
    """T099: found in one go, mail begins, memory stays what it was, and everyone is counted.

    The rest is canceled once enough are sent. How soon the first one is: `deploy/bench expand`.
    """
    daemon = await house.start(log__delivery_sample="0")
    people = [_member(place) for place in range(MEMBERS)]
    code, imported = await house.typed("directory", "import", str(_written(house.folder, people)))
    assert code == 0, imported
    before = daemon.peak
    body = asks.send([], audience=[{"type": "list", "id": 5}], purpose="marketing")
    asked = await house.producer.ask(body, meant=people, seconds=60)
    assert asked.done["counts"]["requested"] == MEMBERS
    await house.sink.stored(SENT)
    canceled = await house.producer.ask(asks.command("cancel", job=asked.job))
    completed = await house.events.completed(asked.job)
    counts = completed.data["counts"]
    assert counts["sent"] + canceled.done["canceled"] == counts["queued"]
    assert daemon.peak - before < ROOM
    await house.judge()


def _member(place: int) -> dict[str, Any]:
    """One of them: some are unsubscribed, some have no address, some none that is one."""
    address = f"p{place}@there.test"
    if place % 20 == 1:
        return {"address": address, "dropped": "suppressed"}
    if place % 50 == 2:
        return {"address": None}
    return {"address": f"p{place}@@there.test" if place % 100 == 3 else address}


def _written(folder: Path, people: Sequence[dict[str, Any]]) -> Path:
    """Files of the directory in which they are a list of customer 1."""
    numbered = list(enumerate(people, start=1))
    directory = folder / "directory"
    directory.mkdir()
    _table(directory / "list.csv", ("id", "customer_id", "name"), [(5, 1, "Everybody")])
    _table(
        directory / "contact.csv",
        ("id", "customer_id", "address", "phone_number"),
        ((number, 1, one["address"], f"+375{number}") for number, one in numbered),
    )
    _table(
        directory / "list_member.csv",
        ("list_id", "contact_id"),
        ((5, number) for number, _ in numbered),
    )
    _table(
        directory / "suppression.csv",
        ("customer_id", "address", "kind"),
        ((1, one["address"], "unsubscribe") for one in people if one.get("dropped")),
    )
    return directory


def _table(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
