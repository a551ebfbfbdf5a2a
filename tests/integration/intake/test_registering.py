"""`directory.*`: rows of the directory by request, each by the laws of an import."""

import asyncio
from typing import Any

import pytest

from tests.integration.intake.counter import ANN, BOB, Counter, command

CHILD = 11
"""A customer below Ann."""


@pytest.fixture(autouse=True)
async def _tree(counter: Counter) -> None:
    await counter.sql("INSERT INTO customer (id, parent_id, name) VALUES ($1, $2, 'c')", CHILD, ANN)


def _put(entity: str, **row: Any) -> dict[str, Any]:
    return command("directory.put", entity=entity, row=row)


def _get(entity: str, number: int, **more: Any) -> dict[str, Any]:
    return command("directory.get", entity=entity, id=number, **more)


def _errors(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["code"], one["field"]) for one in answer["errors"]]


async def test_somebody_is_entered_changed_and_deleted(counter: Counter) -> None:
    """What isn't spoken of stays as it is; each change is kept with who made it."""
    made = await counter.answer(
        _put("person", username="ann", addresses=["a@x.test", "A2@x.test"], forename="Ann")
    )
    number = made["id"]
    assert made["row"]["customer_id"] == ANN
    changed = await counter.answer(_put("person", id=number, no_mailing=True))
    assert changed["row"]["addresses"] == ["a@x.test", "A2@x.test"]
    assert (changed["row"]["no_mailing"], changed["row"]["forename"]) == (True, "Ann")
    assert (await counter.answer(_put("person", id=number, no_mailing=True)))["unchanged"]
    gone = command("directory.delete", entity="person", id=number)
    assert "unchanged" not in await counter.answer(gone, user="shop")
    assert (await counter.answer(gone))["unchanged"]
    assert (await counter.answer(_get("person", number)))["row"]["deleted_at"]
    noted = await counter.sql("SELECT by, entity_id, deed FROM change ORDER BY id")
    nobody, shop = "nobody for customer 1", "shop for customer 1"
    assert noted == [
        (nobody, str(number), "created"),
        (nobody, str(number), "changed"),
        (shop, str(number), "deleted"),
    ]


async def test_every_fault_is_named(counter: Counter) -> None:
    """Nothing of a row is stored that has a fault, and each has its field."""
    wrong = _put("person", username="x", timezone="Moon/Base", allowed_sources=["home"], pseudo=3)
    assert sorted(_errors(await counter.answer(wrong))) == [
        ("param.invalid", "row.allowed_sources"),
        ("param.invalid", "row.pseudo"),
        ("param.invalid", "row.timezone"),
    ]
    unknown = await counter.answer(_put("person", usrname="x"))
    assert "did you mean username?" in unknown["errors"][0]["message"]
    role = await counter.answer(_put("person", username="x", role="nothing"))
    assert _errors(role) == [("param.invalid", "row.role")]
    assert await counter.value("SELECT count(*) FROM person") == 0
    assert await counter.value("SELECT count(*) FROM change") == 0


async def test_a_customer_below(counter: Counter) -> None:
    """A customer makes and keeps customers below him, and decides nothing about himself."""
    made = await counter.answer(_put("customer", name="new"))
    assert made["row"]["parent_id"] == ANN
    number = made["id"]
    moved = await counter.answer(
        _put("customer", id=number, parent_id=CHILD, timezone="Asia/Tokyo")
    )
    assert (moved["row"]["parent_id"], moved["row"]["name"]) == (CHILD, "new")
    listed = await counter.answer(command("directory.list", entity="customer", customer=CHILD))
    assert [row["id"] for row in listed["rows"]] == [number]
    held = await counter.answer(command("directory.delete", entity="customer", id=CHILD))
    assert _errors(held) == [("state.conflict", "id")]
    for one in (number, CHILD):
        await counter.answer(command("directory.delete", entity="customer", id=one))
    assert (await counter.answer(_get("customer", CHILD)))["row"]["status"] == "deleted"
    himself = await counter.answer(_put("customer", id=ANN, name="Anne"))
    assert _errors(himself) == [("forbidden.role", "row.id")]
    assert (await counter.answer(_put("customer", id=ANN, name="Anne"), is_trusted=True))["ok"]


async def test_no_cycle(counter: Counter) -> None:
    """The tree stays one, whoever asks."""
    below = (await counter.answer(_put("customer", name="below", parent_id=CHILD)))["id"]
    answer = await counter.answer(_put("customer", id=CHILD, parent_id=below))
    assert not answer["ok"]
    assert await counter.value("SELECT parent_id FROM customer WHERE id = $1", CHILD) == ANN


async def test_plans_are_shared_downwards(counter: Counter) -> None:
    """A plan is given to customers below its owner, and to nobody beside; what is had stays."""
    plan = (await counter.answer(_put("plan", name="p", price_per_email="0.5")))["id"]
    given = await counter.answer(_put("customer", id=CHILD, plan_id=plan))
    assert given["row"]["plan_id"] == plan
    foreign = (await counter.answer(_put("plan", name="b"), customer=BOB))["id"]
    refused = await counter.answer(_put("customer", id=CHILD, plan_id=foreign))
    assert _errors(refused) == [("not_found", "row.plan_id")]
    had = await counter.answer(command("directory.delete", entity="plan", id=plan))
    assert _errors(had) == [("state.conflict", "id")]


async def test_agents_and_billing_contacts(counter: Counter) -> None:
    """They name somebody of one's own, or an address; an agent goes by his person."""
    person = (await counter.answer(_put("person", username="ann")))["id"]
    agent = await counter.answer(_put("agent", person_id=person, kind="owner"))
    assert agent["row"]["kind"] == "owner"
    assert (await counter.answer(_get("agent", person)))["row"]["active"]
    contact = (await counter.answer(_put("billing_contact", address="bill@x.test")))["id"]
    gone = [("agent", person), ("billing_contact", contact)]
    for entity, number in gone:
        await counter.answer(command("directory.delete", entity=entity, id=number))
        assert _errors(await counter.answer(_get(entity, number))) == [("not_found", "id")]
    theirs = (await counter.answer(_put("person", username="bob"), customer=BOB))["id"]
    for entity in ("agent", "billing_contact"):
        refused = await counter.answer(_put(entity, person_id=theirs))
        assert _errors(refused) == [("not_found", "row.person_id")]


async def test_roles_are_the_roots(counter: Counter) -> None:
    """Everybody sees the roles, whom the configuration trusts keeps them."""
    role = _put("role", name="clerk", privileges={"send_emails": 1, "system": 2})
    assert _errors(await counter.answer(role)) == [("forbidden.role", "entity")]
    made = await counter.answer(role, is_trusted=True)
    seen = await counter.answer(_get("role", made["id"]))
    assert seen["row"]["privileges"] == {"send_emails": 1, "system": 2}
    clerk = (await counter.answer(_put("person", username="c", role="clerk")))["id"]
    assert (await counter.answer(_get("role", made["id"]), person_id=clerk))["ok"]
    looking = await counter.answer(_put("person", username="d"), person_id=clerk)
    assert _errors(looking) == [("forbidden.role", "")]
    as_operator = await counter.answer(role, person_id=clerk, is_trusted=True)
    assert not as_operator["ok"]


async def test_an_import_is_waited_for_by_nobody(counter: Counter) -> None:
    """While a file comes in no writer of intake waits for it: whoever puts a row hears of it."""
    async with counter.means.store.transaction() as importing:
        await importing.run("import.lock")
        async with asyncio.timeout(10):
            answer = await counter.answer(_put("person", username="ann"))
    assert _errors(answer) == [("state.conflict", "")]
    assert (await counter.answer(_put("person", username="ann")))["ok"]
