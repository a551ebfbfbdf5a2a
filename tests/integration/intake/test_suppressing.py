"""`suppressions.*`: who adds and lifts them, and for whom."""

from typing import Any

import pytest

from tests.integration.intake.counter import ANN, BOB, Counter, command

CHILD = 11
"""A customer below Ann."""


@pytest.fixture(autouse=True)
async def _tree(counter: Counter) -> None:
    await counter.sql("INSERT INTO customer (id, parent_id, name) VALUES ($1, $2, 'c')", CHILD, ANN)


async def _person(counter: Counter, **access: int) -> int:
    """Somebody of Ann's, with a role that gives him this."""
    ((role,),) = await counter.sql("INSERT INTO role (name) VALUES ('r') RETURNING id")
    for privilege, much in access.items():
        await counter.sql("INSERT INTO role_privilege VALUES ($1, $2, $3)", role, privilege, much)
    return await counter.value(
        "INSERT INTO person (customer_id, role_id) VALUES ($1, $2) RETURNING id", ANN, role
    )


def _add(**fields: Any) -> dict[str, Any]:
    return command("suppressions.add", address="To@X.test", **fields)


def _code(answer: dict[str, Any]) -> str:
    return answer["errors"][0]["code"]


async def test_added_listed_and_lifted(counter: Counter) -> None:
    """Each step is found by the next one, said once, and kept with who did it and when."""
    made = await counter.answer(_add(kind="complaint", reason="feedback loop"), user="shop")
    number = made["suppression"]
    assert (await counter.answer(_add(kind="complaint")))["unchanged"]
    (row,) = (await counter.answer(command("suppressions.list")))["suppressions"]
    assert (row["suppression"], row["address"], row["kind"]) == (number, "to@x.test", "complaint")
    lift = command("suppressions.lift", suppression=number)
    assert (await counter.answer(lift))["changed"]
    assert (await counter.answer(lift))["unchanged"]
    assert (await counter.answer(command("suppressions.list")))["suppressions"] == []
    everything = await counter.answer(command("suppressions.list", lifted=True))
    assert len(everything["suppressions"]) == 1
    noted = await counter.sql("SELECT by, entity, entity_id, deed FROM change ORDER BY id")
    assert noted == [
        ("shop for customer 1", "suppression", str(number), "created"),
        ("nobody for customer 1", "suppression", str(number), "changed"),
    ]
    assert counter.heard.told == []


async def test_an_unsubscription_is_told(counter: Counter) -> None:
    """One that is added or lifted for somebody is told like one that he makes himself."""
    made = await counter.answer(_add(kind="unsubscribe"))
    await counter.answer(command("suppressions.lift", suppression=made["suppression"]))
    kinds = [told.event.type for told in counter.heard.told]
    assert kinds == ["engagement.unsubscribed", "engagement.resubscribed"]


async def test_filters_and_pages(counter: Counter) -> None:
    """What is listed is of one address, of one kind; pages follow each other without a gap."""
    for kind in ("manual", "complaint", "hard_bounce"):
        await counter.answer(_add(kind=kind))
    await counter.answer(command("suppressions.add", address="other@x.test"))
    first = await counter.answer(command("suppressions.list", address="to@x.test", limit=2))
    following = command("suppressions.list", address="TO@x.test", limit=2, page=first["next"])
    second = await counter.answer(following)
    kinds = [one["kind"] for one in first["suppressions"] + second["suppressions"]]
    assert kinds == ["manual", "complaint", "hard_bounce"]
    by_kind = await counter.answer(command("suppressions.list", kind="manual"))
    assert len(by_kind["suppressions"]) == 2


async def test_of_a_list(counter: Counter) -> None:
    """A list is one of the customer's own; another one's is none."""
    insert = "INSERT INTO list (customer_id, name, origin) VALUES ($1, 'l', 'api') RETURNING id"
    mine, theirs = await counter.value(insert, ANN), await counter.value(insert, BOB)
    assert (await counter.answer(_add(list=mine)))["changed"]
    foreign, unknown = await counter.answer(_add(list=theirs)), await counter.answer(_add(list=999))
    assert _code(foreign) == "not_found"
    assert foreign == unknown


async def test_for_a_customer_below(counter: Counter) -> None:
    """A customer reaches those below him, and nobody beside or above."""
    made = await counter.answer(_add(customer=CHILD))
    assert made["customer"] == CHILD
    lift = command("suppressions.lift", suppression=made["suppression"])
    assert _code(await counter.answer(lift, customer=BOB)) == "not_found"
    assert (await counter.answer(lift, customer=ANN))["changed"]
    assert _code(await counter.answer(_add(customer=ANN), customer=CHILD)) == "not_found"


@pytest.mark.parametrize(
    ("access", "listed", "added", "below"),
    [
        ({}, False, False, False),
        ({"manage_lists": 2}, True, False, False),
        ({"manage_lists": 1}, True, True, False),
        ({"manage_lists": 1, "act_for_subcustomers": 1}, True, True, True),
        ({"manage_lists": 1, "act_for_subcustomers": 2}, True, True, False),
    ],
)
async def test_by_role(
    counter: Counter, access: dict[str, int], listed: bool, added: bool, below: bool
) -> None:
    """Somebody looks, adds, and acts for others as far as his role lets him (Q9)."""
    person = await _person(counter, **access)
    asked = (command("suppressions.list"), _add(), _add(customer=CHILD))
    answers = [await counter.answer(one, person_id=person) for one in asked]
    assert [answer["ok"] for answer in answers] == [listed, added, below]
    assert {_code(one) for one in answers if not one["ok"]} <= {"forbidden.role"}
    theirs = await counter.answer(_add(customer=BOB), person_id=person)
    assert theirs == await counter.answer(_add(customer=999), person_id=person)
