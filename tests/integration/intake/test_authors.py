"""Authors: who writes for a customer, as sends name him (Q12)."""

from typing import Any

import pytest

from tests.integration.intake.counter import Counter, Document, send

WRONG = ("param.invalid", "messages[0].author")
_NAMES = "UPDATE person SET forename = 'Ann', surname = 'Lee' WHERE id = 1"


@pytest.fixture
async def counter(acme_counter: Counter) -> Counter:
    """Where everything here is put: on the shared directory, of whose p1 the name is known."""
    await acme_counter.sql(_NAMES)
    return acme_counter


def written(*, content: Document | None = None, **author: Any) -> Document:
    """A send by an author."""
    message = {"author": author, "subject": "Hello", "text": "Hi"} | (content or {})
    return send(messages=[message])


async def _spec(counter: Counter, document: Document) -> Document:
    """The content that a send is stored with."""
    answer = await counter.answer(document, customer=7)
    assert answer["ok"], answer
    found: Document = await counter.value("SELECT spec FROM message ORDER BY id DESC LIMIT 1")
    return found


async def _told(counter: Counter, document: Document, **changes: Any) -> list[tuple[str, str]]:
    answer = await counter.answer(document, **{"customer": 7} | changes)
    return [(one["code"], one["field"]) for one in answer["errors"]]


@pytest.mark.parametrize(
    ("author", "name", "reply_to"),
    [
        ({"person_id": 1}, "Ann Lee", "ann@acme.example"),
        ({"address": "ann@acme.example"}, "Ann Lee", "ann@acme.example"),
        ({"address": "ann@ACME.example"}, "Ann Lee", "ann@acme.example"),
        ({"person_id": 2}, "Acme", "bob@acme.example"),
        ({"address": "bob@acme.example"}, "Acme", "bob@acme.example"),
    ],
)
async def test_the_owner_or_an_agent(
    counter: Counter, author: Document, name: str, reply_to: str
) -> None:
    """T034: by number, or by an address whose domain has no case; From is the transport's address.

    T033: it shows the author's name, or the transport's if his isn't known; answers go to him.
    """
    await counter.sql("UPDATE transport SET from_name = 'Acme' WHERE id = 1")
    found = await _spec(counter, written(**author))
    assert found["from"] == {"address": "mailer@acme.example", "name": name}
    assert found["reply_to"] == reply_to


@pytest.mark.parametrize(
    "author",
    [
        {"person_id": 3},
        {"person_id": 13},
        {"person_id": 12},
        {"person_id": 424_242},
        {"address": "carl@north.example"},
        {"address": "Ann@acme.example"},
        {"address": "nobody@x.example"},
    ],
)
async def test_anybody_else(counter: Counter, author: Document) -> None:
    """Q12: no agent, a pseudo person, another's or nobody: one answer, which doesn't say which."""
    assert await _told(counter, written(**author)) == [WRONG]
    assert await counter.value("SELECT count(*) FROM job") == 0


@pytest.mark.parametrize(
    "gone",
    [
        "UPDATE agent SET active = false WHERE person_id = 2",
        "DELETE FROM agent WHERE person_id = 2",
        "UPDATE person SET retired = true WHERE id = 2",
        "UPDATE person SET deleted_at = now() WHERE id = 2",
    ],
)
async def test_who_writes_no_more(counter: Counter, gone: str) -> None:
    """An agent who isn't any more, or who has left, writes nothing."""
    await counter.sql(gone)
    assert await _told(counter, written(person_id=2)) == [WRONG]


async def test_what_comes_first(counter: Counter) -> None:
    """Q12: what the message says, then a sender, then the author, who has to be right anyway."""
    own = {"from": {"address": "desk@acme.example", "name": "Desk"}, "reply_to": "in@acme.example"}
    found = await _spec(counter, written(content=own, person_id=1))
    assert (found["from"], found["reply_to"]) == (own["from"], own["reply_to"])
    found = await _spec(counter, written(content={"from": {"name": "Desk"}}, person_id=1))
    assert found["from"] == {"address": "mailer@acme.example", "name": "Desk"}
    assert found["reply_to"] == "ann@acme.example"
    signed = {"sender_id": 1}
    found = await _spec(counter, written(content=signed, person_id=1))
    assert found["from"] == {"address": "news@acme.example", "name": "Acme News"}
    assert "reply_to" not in found
    assert await _told(counter, written(content=signed, person_id=3)) == [WRONG]


async def test_where_answers_reach_him(counter: Counter) -> None:
    """At the address that is given, else at his first that any relay takes in a header."""
    await counter.sql(
        "INSERT INTO person_email (person_id, address, norm, supp, domain, position)"
        " SELECT 1, a, a, a, 'x.example', p"
        " FROM (VALUES ('ü@x.example', -1), ('ann@x.example', 7)) AS n (a, p)"
    )
    for author, expected in (
        ({"person_id": 1}, "ann@acme.example"),
        ({"address": "ann@x.example"}, "ann@x.example"),
        ({"address": "ü@x.example"}, None),
    ):
        assert (await _spec(counter, written(**author))).get("reply_to") == expected


async def test_in_whose_name(counter: Counter) -> None:
    """He is an agent of the customer in whose name the job speaks, not of who asks for it."""
    await counter.sql("INSERT INTO agent (customer_id, person_id, kind) VALUES (71, 3, 'owner')")
    theirs = written(person_id=3) | {"act_as_customer": 71}
    assert (await counter.answer(theirs, customer=7))["ok"]
    assert await _told(counter, written(person_id=1) | {"act_as_customer": 71}) == [WRONG]
    assert await _told(counter, written(person_id=3)) == [WRONG]
