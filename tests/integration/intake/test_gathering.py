"""`create_list` (requirements 2.1, Q19): a send keeps whoever it means as contacts of a list."""

from typing import Any

import asyncpg
import pytest

from daemon.directory.principals import Principal
from daemon.intake import roles
from tests.integration import till
from tests.integration.intake.counter import ANN, Counter, Document, command, send
from tests.integration.intake.test_expander import Office, office
from tests.integration.intake.test_meant import people, to

__all__ = ["office"]

NEWS = {"name": "News"}
MEMBERS = """
SELECT coalesce(c.address, c.phone_number)
FROM list l JOIN list_member m ON m.list_id = l.id JOIN contact c ON c.id = m.contact_id
WHERE l.name = 'News' AND m.source = 'send' ORDER BY 1
"""


def recipients(*items: Document) -> Document:
    """A term that names everyone itself."""
    return {"type": "recipients", "items": [*items]}


async def members(counter: Counter) -> list[str]:
    """Who is in the list, by the way of a send."""
    return [row[0] for row in await counter.sql(MEMBERS)]


async def test_a_list_is_made_of_the_recipients(counter: Counter) -> None:
    """2.1: the valid ones, who has only a phone too, who is suppressed too; nobody else."""
    await counter.answer(command("suppressions.add", address="gone@x.test"))
    ask = to(
        recipients(
            {"address": "ann@x.test"},
            {"address": "ann@X.test"},
            {"address": " "},
            {"address": "bad@@x.test", "vars": {"phone_number": "+3"}},
            {"address": None, "vars": {"phone_number": "+1", "first_name": "Phone"}},
            {"address": "gone@x.test"},
            {"address": "out@x.test"},
        ),
        exclude=[recipients({"address": "out@x.test"})],
        create_list=NEWS,
    )
    answer = await counter.answer(ask)
    assert await members(counter) == ["+1", "ann@x.test", "gone@x.test"]
    [made] = await counter.sql("SELECT id, customer_id, name, origin FROM list")
    assert made == (answer["list"], ANN, "News", "send")
    [event] = counter.heard.of("job.accepted")
    assert event["list"] == answer["list"]
    [change] = await counter.sql("SELECT entity, entity_id, deed, detail->>'job' FROM change"
                                 " WHERE entity = 'list'")  # fmt: skip
    assert change == ("list", str(answer["list"]), "created", answer["job"])


async def test_what_their_variables_say(counter: Counter) -> None:
    """Into the field of the name, as far as it fits; the others, and what doesn't, among custom."""
    long, two = "x" * 300, "a\nb"
    said = {"first_name": "Ann", "param1": 9, "param2": long, "last_name": two, "city": "Minsk",
            "phone_number": "+2", "vip": True, "none": None, "blank": " "}  # fmt: skip
    await counter.answer(to(recipients({"address": "ann@x.test", "vars": said}), create_list=NEWS))
    [row] = await counter.sql("SELECT first_name, param1, param2, last_name, phone_number, vars"
                              " FROM contact")  # fmt: skip
    assert row[:5] == ("Ann", "9", None, None, "+2")
    kept = {name: text for name, text in said.items() if name not in ("none", "blank")}
    assert row[5] == kept | {"param1": "9", "vip": "true"}
    again = to({"type": "list", "name": "News"})
    assert (await counter.answer(again))["counts"]["queued"] == 1


async def test_q19_a_list_that_is_there(counter: Counter) -> None:
    """Q19: who comes by that name joins; who is there is brought up to date by what is given."""
    made = await counter.answer(command("lists.create", name="News"))
    known = {"address": "ann@x.test", "first_name": "Ann", "last_name": "Lee",
             "custom": {"city": "Minsk"}}  # fmt: skip
    await counter.answer(command("lists.import", list=made["list"], contacts=[known]))
    items = ({"address": "ann@x.test", "vars": {"first_name": "Anna"}}, {"address": "bob@x.test"})
    answer = await counter.answer(to(recipients(*items), create_list=NEWS))
    assert answer["list"] == made["list"]
    rows = await counter.sql("SELECT address, first_name, last_name, custom->>'city' FROM contact"
                             " ORDER BY id")  # fmt: skip
    assert rows == [("ann@x.test", "Anna", "Lee", "Minsk"), ("bob@x.test", None, None, None)]
    assert await counter.value("SELECT count(*) FROM list_member") == 2
    assert await counter.value("SELECT count(*) FROM list") == 1


async def test_the_first_says_who_he_is(counter: Counter) -> None:
    """Of two mails to one address there is one contact, as the first of them names him."""
    items = (
        {"address": "ann@x.test", "vars": {"first_name": "Ann"}},
        {"address": "ann@x.test", "vars": {"first_name": "Eve"}, "override": {"text": "Else."}},
    )
    answer = await counter.answer(to(recipients(*items), create_list=NEWS))
    assert answer["counts"]["queued"] == 2
    assert await counter.sql("SELECT first_name FROM contact") == [("Ann",)]


async def test_whoever_the_directory_finds(acme_counter: Counter) -> None:
    """Contacts join, phone-only ones too; of people and billing contacts contacts are made."""
    ask = to(
        {"type": "list", "id": 5},
        {"type": "contacts", "ids": [1001, 1003, 424_242]},
        people("children"),
        {"type": "billing", "scope": "self"},
        recipients({"address": "new@x.test"}),
        exclude=[{"type": "contacts", "ids": [2005]}],
        purpose="marketing",
        create_list=NEWS,
    )
    await acme_counter.sql(
        "UPDATE person SET forename = 'Fred', title = 'Dr', mobile = '+9' WHERE id = 8"
    )
    answer = await acme_counter.answer(ask, customer=7)
    assert answer["ok"], answer
    assert await members(acme_counter) == [
        "+375291110003", "+375291110006", "bill7@acme.example", "carl.alt@north.example",
        "carl@north.example", "fred@south.example", "kate@cust.example", "m1@list.example",
        "m2@list.example", "m3@list.example", "m4@list.example", "new@x.test",
    ]  # fmt: skip
    made = await acme_counter.sql(
        "SELECT customer_id, first_name, phone_number, custom FROM contact"
        " WHERE address = 'fred@south.example'"
    )
    assert made == [(7, "Fred", "+9", {"title": "Dr", "mobile": "+9"})]


async def test_who_wants_no_mailing(acme_counter: Counter) -> None:
    """A person who wants no mailing doesn't get any by way of the list either."""
    await acme_counter.sql("UPDATE person SET no_mailing = true WHERE id = 2")
    news = {"purpose": "marketing", "create_list": NEWS}
    first = await acme_counter.answer(to(people("self"), **news), customer=7)
    assert (first["counts"]["queued"], first["counts"]["suppressed"]) == (1, 1)
    assert await members(acme_counter) == ["ann@acme.example", "bob@acme.example"]
    again = to({"type": "list", "name": "News"}, purpose="marketing")
    assert (await acme_counter.answer(again, customer=7))["counts"] == first["counts"]


async def test_a_person_who_is_a_contact(acme_counter: Counter) -> None:
    """What a contact says of himself isn't overwritten by what is known of the person."""
    given = {"address": "ann@acme.example", "first_name": "Annie", "custom": {"city": "Minsk"}}
    made = await acme_counter.answer(command("lists.create", name="Other"), customer=7)
    asked = command("lists.import", list=made["list"], contacts=[given])
    await acme_counter.answer(asked, customer=7)
    await acme_counter.sql("UPDATE person SET surname = 'Lee', title = 'Dr' WHERE id = 1")
    await acme_counter.answer(to(people("self"), create_list=NEWS), customer=7)
    rows = await acme_counter.sql("SELECT first_name, last_name, custom FROM contact"
                             " WHERE address = 'ann@acme.example'")  # fmt: skip
    assert rows == [("Annie", "Lee", {"city": "Minsk"})]


async def test_whose_it_is(acme_counter: Counter) -> None:
    """The list is that of the customer in whose name the job speaks."""
    ask = to(people("self"), act_as_customer=71, create_list=NEWS)
    answer = await acme_counter.answer(ask, customer=7)
    assert await acme_counter.sql("SELECT id, customer_id FROM list WHERE name = 'News'") == [
        (answer["list"], 71)
    ]
    assert await acme_counter.value("SELECT count(*) FROM contact WHERE customer_id = 71") == 2


async def test_nothing_stays_of_what_was_refused(
    counter: Counter, bare: asyncpg.Connection
) -> None:
    """Who can't pay makes no list, and no contact learns anything from him."""
    await till.fund(bare, "1", price="1")
    items = ({"address": "ann@x.test"}, {"address": "bob@x.test"})
    refused = await counter.answer(to(recipients(*items), request_id="k", create_list=NEWS))
    assert [error["code"] for error in refused["errors"]] == ["credit.insufficient"]
    for table in ("list", "contact", "job", "request_seen"):
        assert await counter.value(f"SELECT count(*) FROM {table}") == 0
    assert len(counter.heard.of("request.rejected")) == 1
    answer = await counter.answer(
        to(recipients(items[0]), request_id="k", create_list=NEWS, dry_run=True)
    )
    assert answer["ok"]
    assert await counter.value("SELECT count(*) FROM list") == 0
    assert (await counter.answer(to(recipients(items[0]), request_id="k", create_list=NEWS)))["ok"]
    assert await members(counter) == ["ann@x.test"]


async def test_once_for_each_key(counter: Counter) -> None:
    """The same again gets the first answer; whom the list has lost meanwhile doesn't come back."""
    ask = to(recipients({"address": "ann@x.test"}), request_id="k", create_list=NEWS)
    first = await counter.answer(ask)
    await counter.sql("DELETE FROM list_member")
    assert await counter.answer(ask) == first
    assert await members(counter) == []


async def test_a_large_audience(office: Office) -> None:
    """What an expander finds is in the list with the answer, and not before."""
    assert await office.put(create_list=NEWS) is None
    assert await office.counter.value("SELECT count(*) FROM list") == 0
    assert await office.expander.once()
    [(_, answer)] = office.said()
    assert answer["counts"]["queued"] == 4
    assert await members(office.counter) == ["a@x.test", "b@x.test", "c@x.test", "d@x.test"]
    [expanded] = office.counter.heard.of("job.expanded")
    assert expanded["list"] == answer["list"]


async def test_a_large_audience_that_is_not_paid(office: Office, bare: asyncpg.Connection) -> None:
    """When credit isn't enough for what an expander finds, there is no list either."""
    await till.fund(bare, "1", price="1")
    await office.put(create_list=NEWS)
    assert await office.expander.once()
    assert office.said()[0][1]["errors"][0]["code"] == "credit.insufficient"
    assert await office.counter.value("SELECT count(*) FROM list") == 0
    assert await office.counter.value("SELECT count(*) FROM contact") == 0


async def test_what_a_role_lets_one_do(counter: Counter) -> None:
    """Whose role says nothing of lists may send, and make none by it."""
    ask = counter.read(send(create_list=NEWS))
    who: dict[str, Any] = {"customer": ask.customer, "person_id": 1}
    for access, expected in (
        ({"send_emails": 1}, "the role doesn't allow making lists"),
        ({"send_emails": 1, "manage_lists": 2}, "the role doesn't allow making lists"),
        ({"send_emails": 1, "manage_lists": 1}, None),
    ):
        found = roles.forbidden(ask.decoded, Principal(access=access, **who))
        assert (found and found.faults[0].message) == expected


@pytest.fixture
async def bare(counter: Counter, dsn: str) -> Any:
    """A connection beside the counter's."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()
