"""Whoever is meant gets a mail: people of a branch, members of a list; not who left meanwhile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest_asyncio

from tests.integration.expansion.people import Directory
from tests.stories import asks
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP

BRANCH = {"type": "people", "scope": "descendants"}
EVERYONE = [
    *({"address": f"w{number}@there.test", "name": f"W{number}"} for number in range(1, 6)),
    *({"address": f"c{number}@there.test", "name": f"C{number}"} for number in range(1, 4)),
]
"""Whom the branch and the list come to."""


@asynccontextmanager
async def _directory(house: House) -> AsyncIterator[Directory]:
    connection = await asyncpg.connect(house.dsn)
    try:
        yield Directory(connection)
    finally:
        await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def branch(home: House) -> House:
    """Customer 1 with two below him, in a chain; five people, and a list of three contacts."""
    async with _directory(home) as directory:
        await directory.customer(11, 1)
        await directory.customer(12, 11, "locked")
        for number in range(1, 6):
            whose = 11 if number < 3 else 12
            await directory.person(
                whose, f"w{number}@there.test", number=number, forename=f"W{number}"
            )
        members = [
            await directory.contact(1, f"c{n}@there.test", first_name=f"C{n}") for n in (1, 2, 3)
        ]
        await directory.list(1, "Friends", members, number=5)
    return home


async def test_a_branch_and_a_list(branch: House) -> None:
    """Everyone of both gets his own mail, under his own name; each event says how he came in."""
    asked = await branch.producer.ask(
        asks.send([], audience=[BRANCH, {"type": "list", "name": "Friends"}]), meant=EVERYONE
    )
    assert asked.done["counts"]["queued"] == 8
    completed = await branch.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == 8
    told = await branch.events.count("delivery.sent", 8, asked.job)
    paths = {event.data["address"]: event.data["path"] for event in told}
    assert paths["w4@there.test"] == {"term": 0, "type": "people", "customer": 12, "person": 4}
    assert paths["c2@there.test"]["list"] == 5
    await branch.balance()


async def test_who_left_meanwhile(branch: House) -> None:
    """Q30: who left, retired or unsubscribed since the accept is found when the mail is due."""
    terms = {"not_before": asks.later(2)}
    asked = await branch.producer.ask(
        asks.send([], purpose="marketing", delivery=terms,
                  audience=[BRANCH, {"type": "list", "id": 5}]),
        meant=EVERYONE,
    )  # fmt: skip
    assert asked.done["counts"]["queued"] == 8
    async with _directory(branch) as directory:
        await directory.run("UPDATE person SET retired = true WHERE id = 1")
        await directory.run("UPDATE person SET no_mailing = true WHERE id = 2")
        await directory.run("UPDATE customer SET status = 'deleted' WHERE id = 12")
        await directory.run(
            "DELETE FROM list_member WHERE contact_id = (SELECT min(id) FROM contact)"
        )
        await directory.deny(1, "c2@there.test", list_id=5)
    completed = await branch.events.completed(asked.job)
    numbers = completed.data["counts"]
    assert (numbers["sent"], numbers["suppressed_late"]) == (1, 7)
    (sent,) = await branch.events.count("delivery.sent", 1, asked.job)
    assert sent.data["address"] == "c3@there.test"
    gone = await branch.events.count("delivery.suppressed", 7, asked.job)
    assert all(event.data["path"] for event in gone)
    await branch.balance()


async def test_a_list_that_is_not_there(branch: House) -> None:
    """The refusal names the field, and nothing is stored."""
    asked = await branch.producer.ask(asks.send([], audience=[{"type": "list", "name": "No"}]))
    assert [error["field"] for error in asked.said["errors"]] == ["audience[0].name"]


async def test_a_list_of_the_recipients(branch: House) -> None:
    """2.1: a send keeps whom it means in a list; the next one goes to the list, by their names."""
    known = [{"address": f"n{number}@there.test", "name": f"N{number}"} for number in (1, 2)]
    named = [one | {"vars": {"first_name": one["name"]}} for one in known]
    phone = {"vars": {"phone_number": "+375291234567"}}
    first = await branch.producer.ask(asks.send([*named, phone], create_list={"name": "Fresh"}))
    [accepted] = await branch.events.count("job.accepted", 1, first.job)
    assert accepted.data["list"] == first.done["list"]
    await branch.events.completed(first.job)
    to_list = asks.send([], audience=[{"type": "list", "id": first.done["list"]}])
    again = await branch.producer.ask(to_list, meant=[*known, {"dropped": "no_address"}])
    completed = await branch.events.completed(again.job)
    assert (completed.data["counts"]["sent"], completed.data["counts"]["no_address"]) == (2, 1)
