"""Senders: kept by `senders.*`, and named by sends."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.intake.counter import ANN, BOB, Counter, Document, command, send

CHILD = 11
"""A customer below Ann."""
NEWS = {"address": "news@x.test", "name": "News of {{ city }}", "reply_to": "office@x.test"}
SPEC = "SELECT spec FROM message"


@pytest.fixture(autouse=True)
async def _tree(counter: Counter) -> None:
    await counter.sql("INSERT INTO customer (id, parent_id, name) VALUES ($1, $2, 'c')", CHILD, ANN)


def put(**fields: Any) -> Document:
    """A `senders.put`."""
    return command("senders.put", **fields)


def signed(sender: int, *, content: Document | None = None, **changes: Any) -> Document:
    """A send in the name of a sender."""
    message = {"sender_id": sender, "subject": "Hello", "text": "Hi"} | (content or {})
    return send(messages=[message], **changes)


def told(answer: Document) -> list[tuple[str, str]]:
    """Codes and fields of a refusal."""
    return [(one["code"], one["field"]) for one in answer["errors"]]


async def made(counter: Counter, *, customer: int = ANN, **fields: Any) -> int:
    """The id of a new sender."""
    answer = await counter.answer(put(**(NEWS | fields)), customer=customer)
    number: int = answer["sender"]
    return number


async def spec(counter: Counter) -> Document:
    """The only message's content, as it is stored."""
    (row,) = await counter.sql(SPEC)
    found: Document = row[0]
    return found


async def test_made_changed_looked_at_and_taken_away(counter: Counter) -> None:
    """Each step is seen by the next one; what a change doesn't speak of stays as it is."""
    number = await made(counter, transport=1)
    changed = await counter.answer(put(sender=number, name="Office", reply_to=""))
    expected = {
        "sender": number,
        "customer": ANN,
        "name": "Office",
        "address": "news@x.test",
        "reply_to": None,
        "transport": 1,
        "active": True,
        "verified_at": None,
    }
    assert expected.items() <= changed.items()
    assert expected.items() <= (await counter.answer(command("senders.get", sender=number))).items()
    away = await counter.answer(put(sender=number, transport="", active=False))
    assert (away["transport"], away["active"]) == (None, False)
    assert (await counter.answer(command("senders.list")))["senders"][0]["sender"] == number
    assert (await counter.answer(command("senders.delete", sender=number)))["ok"]
    for gone in (command("senders.get", sender=number), command("senders.delete", sender=number)):
        assert told(await counter.answer(gone)) == [("not_found", "sender")]


async def test_nothing_to_change(counter: Counter) -> None:
    """A change to what it is already is told as none, and noted nowhere."""
    number = await made(counter)
    assert (await counter.answer(put(sender=number, **NEWS)))["unchanged"]
    assert await counter.sql("SELECT deed FROM change") == [("created",)]


async def test_another_address_is_not_verified(counter: Counter) -> None:
    """What somebody vouched for was the address: a new one begins without, another name doesn't."""
    number = await made(counter)
    await counter.sql("UPDATE custom_sender SET verified_at = $1", datetime(2030, 1, 1, tzinfo=UTC))
    named = await counter.answer(put(sender=number, name="Other", address="news@x.test"))
    assert named["verified_at"] == "2030-01-01T00:00:00+00:00"
    assert (await counter.answer(put(sender=number, address="b@x.test")))["verified_at"] is None


async def test_once_for_each_key(counter: Counter) -> None:
    """The same again is answered as the first time and makes no second one."""
    asked = put(**NEWS, request_id="k")
    first, again = await counter.answer(asked), await counter.put(asked)
    assert again.result == "repeated"
    assert await counter.sql("SELECT id FROM custom_sender") == [(first["sender"],)]
    other = await counter.answer(put(address="other@x.test", request_id="k"))
    assert told(other) == [("duplicate.request", "request_id")]


async def test_a_late_repeat_undoes_nothing(counter: Counter) -> None:
    """A change that comes again after a newer one isn't made again."""
    number = await made(counter)
    first = put(sender=number, name="First", request_id="1")
    await counter.answer(first)
    await counter.answer(put(sender=number, name="Second", request_id="2"))
    assert (await counter.put(first)).result == "repeated"
    assert await counter.sql("SELECT name FROM custom_sender") == [("Second",)]


async def test_who_did_it(counter: Counter) -> None:
    """Every change is kept with who made it and whose it was, and no address in it."""
    number = await made(counter, customer=BOB)
    await counter.answer(put(sender=number, active=False), customer=BOB, user="bobs")
    await counter.answer(command("senders.delete", sender=number), customer=BOB)
    rows = await counter.sql(
        "SELECT by, customer_id, entity, entity_id, deed, detail -> 'fields' FROM change"
    )
    assert [(row[0], row[4], row[5]) for row in rows] == [
        ("nobody for customer 2", "created", ["address", "name", "reply_to"]),
        ("bobs for customer 2", "changed", ["active"]),
        ("nobody for customer 2", "deleted", None),
    ]
    assert {row[1:4] for row in rows} == {(BOB, "sender", str(number))}


async def test_of_a_customer_below(counter: Counter) -> None:
    """Whoever stands above keeps senders for those below him; nobody does for those above."""
    answer = await counter.answer(put(customer=CHILD, **NEWS))
    number, theirs = answer["sender"], await made(counter)
    assert answer["customer"] == CHILD
    assert (await counter.answer(put(sender=number, name="x")))["ok"]
    assert (await counter.answer(command("senders.list", customer=CHILD)))["senders"][0]
    up = await counter.answer(put(sender=theirs, name="x"), customer=CHILD)
    assert told(up) == [("not_found", "sender")]


async def test_by_a_transport_of_his(counter: Counter) -> None:
    """A sender's transport is one of the customer's; another's is as one that isn't there."""
    number = await made(counter)
    foreign = await counter.answer(put(sender=number, transport=2))
    unknown = await counter.answer(put(sender=number, transport=99))
    assert foreign == unknown
    assert told(foreign) == [("not_found", "transport")]


@pytest.mark.parametrize(
    ("access", "looks", "puts", "below"),
    [
        ({}, False, False, False),
        ({"manage_lists": 1}, False, False, False),
        ({"manage_transports": 2}, True, False, False),
        ({"manage_transports": 1}, True, True, False),
        ({"manage_transports": 1, "act_for_subcustomers": 1}, True, True, True),
    ],
)
async def test_by_role(
    counter: Counter, access: dict[str, int], looks: bool, puts: bool, below: bool
) -> None:
    """Somebody looks, puts, and acts for others as far as his role lets him (Q9)."""
    role = await counter.value("INSERT INTO role (name) VALUES ('r') RETURNING id")
    for privilege, much in access.items():
        await counter.sql("INSERT INTO role_privilege VALUES ($1, $2, $3)", role, privilege, much)
    person = await counter.value(
        "INSERT INTO person (customer_id, role_id) VALUES ($1, $2) RETURNING id", ANN, role
    )
    asked = (command("senders.list"), put(**NEWS), put(customer=CHILD, **NEWS))
    answers = [await counter.answer(one, person_id=person) for one in asked]
    assert [answer["ok"] for answer in answers] == [looks, puts, below]
    assert {one["errors"][0]["code"] for one in answers if not one["ok"]} <= {"forbidden.role"}


async def test_mail_is_from_it(counter: Counter) -> None:
    """T033: address and name are the sender's, and the Reply-To; the transport's say nothing."""
    number = await made(counter)
    assert (await counter.answer(signed(number)))["ok"]
    found = await spec(counter)
    assert found["from"] == {"address": "news@x.test", "name": "News of {{ city }}"}
    assert found["reply_to"] == "office@x.test"


async def test_what_a_message_says_comes_first(counter: Counter) -> None:
    """A name and a Reply-To that the message brings are kept."""
    number = await made(counter)
    own = {"from": {"name": "Ann"}, "reply_to": "ann@x.test"}
    assert (await counter.answer(signed(number, content=own)))["ok"]
    found = await spec(counter)
    assert found["from"] == {"address": "news@x.test", "name": "Ann"}
    assert found["reply_to"] == "ann@x.test"


async def test_accepted_mail_keeps_its_from(counter: Counter) -> None:
    """What becomes of the sender afterwards changes nothing of what was accepted."""
    number = await made(counter)
    await counter.answer(signed(number))
    before = await spec(counter)
    await counter.answer(put(sender=number, address="other@x.test"))
    await counter.answer(command("senders.delete", sender=number))
    assert await spec(counter) == before


ROUTE = "SELECT l.transport_id FROM job j JOIN lane l ON l.id = j.lane_id"


@pytest.mark.parametrize(
    ("transport", "taken"), [(None, 5), ({"id": 1}, 1), ({"default": True}, 1), ({"id": 5}, 5)]
)
async def test_by_which_transport(counter: Counter, transport: Document | None, taken: int) -> None:
    """The sender's transport carries it, unless the request says another, or the default."""
    await counter.sql(
        "INSERT INTO transport (id, customer_id, name, kind) VALUES (5, $1, 'own', 'smtp')", ANN
    )
    await counter.sql("INSERT INTO lane (transport_id, site) VALUES (5, '')")
    number = await made(counter, transport=5)
    delivery = {"transport": transport} if transport else {}
    assert (await counter.answer(signed(number, delivery=delivery)))["ok"]
    assert await counter.sql(ROUTE) == [(taken,)]
    await counter.sql("UPDATE transport SET active = false WHERE id = 5")
    answer = await counter.answer(signed(number, delivery=delivery))
    code = "not_found" if transport else "state.conflict"
    assert answer["ok"] if taken == 1 else told(answer) == [(code, "delivery.transport")]


async def test_one_that_is_off(counter: Counter) -> None:
    """Nothing is accepted from a sender that isn't active, nor from one with an unfit name."""
    number = await made(counter, active=False)
    assert told(await counter.answer(signed(number))) == [
        ("state.conflict", "messages[0].sender_id")
    ]
    await counter.sql("UPDATE custom_sender SET active = true, name = '{{'")
    answer = await counter.answer(signed(number))
    assert told(answer) == [("state.conflict", "messages[0].sender_id")]
    assert await counter.value("SELECT count(*) FROM job") == 0


async def test_in_whose_name(counter: Counter) -> None:
    """A sender is of the customer in whose name a job speaks; the asker's own isn't that then."""
    own = await made(counter)
    theirs = (await counter.answer(put(customer=CHILD, **NEWS)))["sender"]
    assert (await counter.answer(signed(theirs, act_as_customer=CHILD)))["ok"]
    for foreign in (signed(own, act_as_customer=CHILD), signed(theirs)):
        assert told(await counter.answer(foreign)) == [("not_found", "messages[0].sender_id")]


async def test_all_that_is_missing_is_told_at_once(counter: Counter) -> None:
    """A sender and a list that aren't there are two errors of one answer."""
    answer = await counter.answer(signed(99, audience=[{"type": "list", "id": 98}]))
    assert told(answer) == [
        ("not_found", "messages[0].sender_id"),
        ("not_found", "audience[0].id"),
    ]


async def test_a_rehearsal_knows_senders(counter: Counter) -> None:
    """A dry run refuses what a send would, and stores nothing."""
    number = await made(counter)
    assert (await counter.answer(signed(number) | {"command": "validate"}))["ok"]
    wrong = await counter.answer(signed(99) | {"command": "validate"})
    assert told(wrong) == [("not_found", "messages[0].sender_id")]
    assert await counter.value("SELECT count(*) FROM message") == 0
