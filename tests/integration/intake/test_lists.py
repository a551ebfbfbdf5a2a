"""Lists of contacts: made, filled, looked at and taken away; one's own, and once for each key."""

from typing import Any

from daemon.tasks import Group
from tests.integration.intake.counter import ANN, BOB, Counter, Document, command

CONTACTS = "SELECT address, phone_number, first_name, custom->>'city' FROM contact ORDER BY id"


async def made(counter: Counter, name: str = "News", **changes: Any) -> int:
    """The id of a new list."""
    answer = await counter.answer(command("lists.create", name=name), **changes)
    number: int = answer["list"]
    return number


def counts(answer: Document) -> tuple[int, int, int]:
    """What became of the contacts of an import."""
    return answer["inserted"], answer["updated"], answer["invalid"]


def code(answer: Document) -> str:
    """Of a refusal."""
    found: str = answer["errors"][0]["code"]
    return found


async def test_a_name_is_there_once(counter: Counter) -> None:
    """A second list of one name is a conflict; another customer may have one of that name."""
    await made(counter)
    again = await counter.answer(command("lists.create", name="News"))
    assert (code(again), again["errors"][0]["field"]) == ("state.conflict", "name")
    await made(counter, customer=BOB)
    assert await counter.sql("SELECT customer_id, name, origin FROM list ORDER BY id") == [
        (ANN, "News", "api"),
        (BOB, "News", "api"),
    ]


async def test_contacts_come_in(counter: Counter) -> None:
    """New ones are added, those that are there brought up to date, and bad ones told by place."""
    number = await made(counter)
    first = [
        {"address": "ann@x.test", "first_name": "Ann", "custom": {"city": "Minsk"}},
        {"address": "bad@@x.test"},
        {"phone_number": "+1", "first_name": "Phone"},
    ]
    answer = await counter.answer(command("lists.import", list=number, contacts=first))
    assert counts(answer) == (2, 0, 1)
    assert [one["index"] for one in answer["log"]] == [1]
    second = [
        {"address": "bob@x.test"},
        {"address": "ann@X.TEST", "custom": {"city": "Brest"}},
        {"phone_number": "+1", "first_name": None, "last_name": "Only"},
    ]
    assert counts(await counter.answer(command("lists.import", list=number, contacts=second))) == (
        1,
        2,
        0,
    )
    assert await counter.sql(CONTACTS) == [
        ("ann@x.test", None, "Ann", "Brest"),
        (None, "+1", "Phone", None),
        ("bob@x.test", None, None, None),
    ]
    assert await counter.value("SELECT count(*) FROM list_member") == 3


async def test_nobody_good(counter: Counter) -> None:
    """A parcel whose contacts are all bad is answered like any, and changes nothing."""
    number = await made(counter)
    answer = await counter.answer(command("lists.import", list=number, contacts=[{}, 5]))
    assert (answer["ok"], counts(answer)) == (True, (0, 0, 2))
    assert await counter.value("SELECT count(*) FROM contact") == 0
    assert await counter.value("SELECT count(*) FROM change WHERE deed = 'imported'") == 0


async def test_once_for_each_key(counter: Counter) -> None:
    """The same again gets the first answer again; under another body the key is a conflict."""
    asked = command("lists.create", name="News", request_id="k")
    first = await counter.put(asked)
    again = await counter.put(asked)
    assert (again.result, first.result) == ("repeated", "answered")
    assert again.repeated is not None
    assert b'"list":' in again.repeated
    other = await counter.answer(command("lists.create", name="Other", request_id="k"))
    assert code(other) == "duplicate.request"
    assert await counter.value("SELECT count(*) FROM list") == 1


async def test_what_was_refused_may_come_again(counter: Counter) -> None:
    """A key isn't used up by a refusal."""
    asked = command("lists.delete", list=99, request_id="k")
    assert code(await counter.answer(asked)) == "not_found"
    again = await counter.put(command("lists.create", name="News", request_id="k"))
    assert again.result == "answered"


async def test_looked_at_in_pages(counter: Counter) -> None:
    """Lists and members come page by page, in a fixed order, each exactly once."""
    numbers = [await made(counter, f"L{n}") for n in range(3)]
    many = [{"address": f"{n}@x.test"} for n in range(5)]
    await counter.answer(command("lists.import", list=numbers[0], contacts=many))
    page = await counter.answer(command("lists.list", limit=2))
    assert [(one["list"], one["name"], one["members"]) for one in page["lists"]] == [
        (numbers[0], "L0", 5),
        (numbers[1], "L1", 0),
    ]
    last = await counter.answer(command("lists.list", limit=2, page=page["next"]))
    assert ([one["list"] for one in last["lists"]], last["next"]) == ([numbers[2]], None)
    seen, where = [], None
    while True:
        page = await counter.answer(command("lists.members", list=numbers[0], limit=2, page=where))
        seen += [one["address"] for one in page["members"]]
        where = page["next"]
        if where is None:
            break
    assert seen == [one["address"] for one in many]
    assert code(await counter.answer(command("lists.list", page="x"))) == "param.invalid"


async def test_taken_away(counter: Counter) -> None:
    """With its members, and what was unsubscribed from it alone; contacts and other lists stay."""
    gone, kept = await made(counter, "Gone"), await made(counter, "Kept")
    for number in (gone, kept):
        ann = [{"address": "ann@x.test"}]
        await counter.answer(command("lists.import", list=number, contacts=ann))
        await counter.sql(
            "INSERT INTO suppression (customer_id, supp, scope, list_id, kind, source)"
            " VALUES (1, 'ann@x.test', 'list', $1, 'unsubscribe', 'api')",
            number,
        )
    answer = await counter.answer(command("lists.delete", list=gone))
    assert (answer["list"], answer["members"]) == (gone, 1)
    assert await counter.sql("SELECT list_id FROM list_member") == [(kept,)]
    assert await counter.sql("SELECT list_id FROM suppression") == [(kept,)]
    assert await counter.value("SELECT count(*) FROM contact") == 1
    assert code(await counter.answer(command("lists.delete", list=gone))) == "not_found"


async def test_of_a_customer_below(counter: Counter) -> None:
    """Whoever stands above keeps lists for those below him; nobody does for those above."""
    await counter.sql("UPDATE customer SET parent_id = $1 WHERE id = $2", ANN, BOB)
    answer = await counter.answer(command("lists.create", name="News", customer=BOB))
    number = answer["list"]
    ann = [{"address": "ann@x.test"}]
    done = await counter.answer(command("lists.import", list=number, contacts=ann))
    assert counts(done) == (1, 0, 0)
    assert await counter.value("SELECT customer_id FROM contact") == BOB
    up = await counter.answer(command("lists.list", customer=ANN), customer=BOB)
    assert code(up) == "not_found"


async def test_what_a_role_lets_one_do(counter: Counter) -> None:
    """Somebody whose role says nothing of lists is refused; who may only look may look."""
    number = await made(counter)
    person = await counter.value(
        "WITH r AS (INSERT INTO role (name) VALUES ('looks') RETURNING id),"
        " p AS (INSERT INTO role_privilege SELECT id, 'manage_lists', 2 FROM r)"
        " INSERT INTO person (customer_id, role_id) SELECT 1, id FROM r RETURNING id"
    )
    who: Any = {"person_id": person}
    assert (await counter.answer(command("lists.members", list=number), **who))["ok"]
    for asked in (command("lists.delete", list=number), command("lists.create", name="Other")):
        assert code(await counter.answer(asked, **who)) == "forbidden.role"
    await counter.sql("UPDATE role_privilege SET access = 0")
    refused = await counter.answer(command("lists.list"), **who)
    assert code(refused) == "forbidden.role"


async def test_who_did_it(counter: Counter) -> None:
    """Every change is kept with whose it was, and no address in it."""
    number = await made(counter)
    ann = [{"address": "ann@x.test"}]
    await counter.answer(command("lists.import", list=number, contacts=ann))
    await counter.answer(command("lists.delete", list=number))
    rows = await counter.sql("SELECT by, customer_id, entity, entity_id, deed, detail FROM change")
    assert [row[4] for row in rows] == ["created", "imported", "deleted"]
    assert {row[:4] for row in rows} == {("nobody for customer 1", ANN, "list", str(number))}
    assert "ann@" not in str(rows)


async def test_many_at_once(counter: Counter) -> None:
    """Imports of the same contacts in other orders don't trip over each other, and none is lost."""
    number = await made(counter)
    many = [{"address": f"{n}@x.test"} for n in range(200)]
    asked = [command("lists.import", list=number, contacts=some) for some in (many, many[::-1]) * 4]
    async with Group() as group:
        tasks = [group.create_task(counter.answer(one), name="import") for one in asked]
    found = [counts(task.result()) for task in tasks]
    assert sum(inserted for inserted, _, _ in found) == 200
    assert all(inserted + updated == 200 for inserted, updated, _ in found)
    assert await counter.value("SELECT count(*) FROM list_member") == 200
