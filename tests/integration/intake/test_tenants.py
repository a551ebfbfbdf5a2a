"""T100: whatever belongs to somebody else is, for everybody else, not there.

Every command that takes an id is asked for another tenant's and for one that nobody has: the two
answers, and what is told of them, are the same but for the id itself.
"""

import dataclasses
import json
import typing
import uuid
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from daemon.mail.request.forms import FORMS
from tests.integration.intake.counter import ANN, BOB, Counter, Document, command, send

NOBODYS = 987_654_321
THEN = "2020-01-01T00:00:00Z"
Ids = dict[str, Any]


def _signed(ids: Ids) -> Document:
    """A send in the name of a sender."""
    return send(messages=[{"sender_id": ids["sender"], "subject": "s", "text": "t"}])


def _written(ids: Ids) -> Document:
    """A send by an author."""
    author = {"person_id": ids["person"]}
    return send(messages=[{"author": author, "subject": "s", "text": "t"}])


CASES: dict[str, Callable[[Ids], list[Document]]] = {
    "send": lambda ids: [
        send(delivery={"transport": {"id": ids["transport"]}}),
        send(act_as_customer=ids["customer"]),
        send(audience=[{"type": "list", "id": ids["list"]}]),
        _signed(ids),
        _written(ids),
        send(campaign_id=ids["campaign"]),
    ],
    "validate": lambda ids: [
        send(delivery={"transport": {"id": ids["transport"]}}) | {"command": "validate"}
    ],
    "status": lambda ids: [
        {"job": ids["job"]}, {"ticket": ids["ticket"]}, {"message": ids["message"]},
        {"delivery": ids["delivery"]}, {"campaign": ids["campaign"]},
    ],
    "deliveries": lambda ids: [{"job": ids["job"]}, {"message": ids["message"]}],
    "cancel": lambda ids: [{"job": ids["job"]}, {"delivery": ids["delivery"]}],
    "pause": lambda ids: [{"job": ids["job"]}, {"customer": ids["customer"]}],
    "resume": lambda ids: [{"job": ids["job"]}, {"customer": ids["customer"]}],
    "reschedule": lambda ids: [
        {"job": ids["job"], "not_before": THEN}, {"delivery": ids["delivery"], "not_before": THEN},
    ],
    "doubt.list": lambda ids: [{"job": ids["job"]}],
    "doubt.resolve": lambda ids: [
        {"job": ids["job"], "action": "resend"},
        {"deliveries": [ids["delivery"]], "action": "give_up"},
    ],
    "events.replay": lambda ids: [{"job": ids["job"]}, {"stream": ids["stream"]}],
    "credit.get": lambda ids: [{"customer": ids["customer"]}],
    "credit.topup": lambda ids: [
        {"customer": ids["customer"], "amount": "1", "request_id": "r"}
    ],
    "suppressions.list": lambda ids: [{"customer": ids["customer"]}],
    "suppressions.add": lambda ids: [
        {"customer": ids["customer"], "address": "a@x.test"},
        {"list": ids["list"], "address": "a@x.test"},
    ],
    "directory.get": lambda ids: [
        {"entity": "customer", "id": ids["customer"]},
        {"entity": "person", "id": ids["person"]},
        {"entity": "plan", "id": ids["plan"]},
        {"entity": "billing_contact", "id": ids["billing_contact"]},
        {"entity": "agent", "id": ids["person"], "customer": ids["customer"]},
        {"entity": "agent", "id": ids["person"]},
    ],
    "directory.list": lambda ids: [{"entity": "person", "customer": ids["customer"]}],
    "directory.put": lambda ids: [
        {"entity": "customer", "row": {"id": ids["customer"], "name": "x"}},
        {"entity": "customer", "row": {"name": "x", "parent_id": ids["customer"]}},
        {"entity": "customer", "row": {"name": "x", "plan_id": ids["plan"]}},
        {"entity": "person", "row": {"id": ids["person"], "forename": "x"}},
        {"entity": "person", "row": {"customer_id": ids["customer"], "username": "x"}},
        {"entity": "plan", "row": {"id": ids["plan"], "name": "x"}},
        {"entity": "plan", "row": {"customer_id": ids["customer"], "name": "x"}},
        {"entity": "billing_contact", "row": {"id": ids["billing_contact"], "address": "x@x.test"}},
        {"entity": "billing_contact", "row": {"person_id": ids["person"]}},
        {"entity": "agent", "row": {"person_id": ids["person"]}},
    ],
    "directory.delete": lambda ids: [
        {"entity": "customer", "id": ids["customer"]},
        {"entity": "person", "id": ids["person"]},
        {"entity": "plan", "id": ids["plan"]},
        {"entity": "billing_contact", "id": ids["billing_contact"]},
        {"entity": "agent", "id": ids["person"], "customer": ids["customer"]},
    ],
    "senders.put": lambda ids: [
        {"sender": ids["sender"], "name": "x"},
        {"customer": ids["customer"], "address": "x@x.test"},
        {"address": "x@x.test", "transport": ids["transport"]},
    ],
    "senders.get": lambda ids: [{"sender": ids["sender"]}],
    "senders.list": lambda ids: [{"customer": ids["customer"]}],
    "senders.delete": lambda ids: [{"sender": ids["sender"]}],
    "campaigns.list": lambda ids: [{"customer": ids["customer"]}],
    "campaigns.get": lambda ids: [{"campaign": ids["campaign"]}],
    "campaigns.create": lambda ids: [
        {"customer": ids["customer"], "name": "x"},
        {"name": "x", "sender": ids["sender"]},
        {"name": "x", "transport": ids["transport"]},
    ],
    "campaigns.activate": lambda ids: [{"campaign": ids["campaign"]}],
    "campaigns.deactivate": lambda ids: [{"campaign": ids["campaign"]}],
    "suppressions.lift": lambda ids: [{"suppression": ids["suppression"]}],
    "lists.create": lambda ids: [{"customer": ids["customer"], "name": "l"}],
    "lists.import": lambda ids: [{"list": ids["list"], "contacts": [{"address": "a@x.test"}]}],
    "lists.list": lambda ids: [{"customer": ids["customer"]}],
    "lists.members": lambda ids: [{"list": ids["list"]}],
    "lists.delete": lambda ids: [{"list": ids["list"]}],
}  # fmt: skip
"""What each command is asked, with every id that it takes."""
OF_ONESELF = {"principal", "request_id"}
"""Fields that name who asks, and by what he knows his own request."""


@pytest.fixture
async def theirs(counter: Counter) -> Ids:
    """Something of everything that Bob has; Ann asks."""
    done = await counter.answer(send(), customer=BOB)
    sql, value = counter.sql, counter.value
    ids = {
        "job": done["job"],
        "ticket": done["ticket"],
        "message": done["messages"][0],
        "delivery": await value("SELECT id FROM delivery"),
        "customer": BOB,
        "transport": 2,
        "stream": await value("SELECT number FROM stream ORDER BY number LIMIT 1"),
        "suppression": (
            await counter.answer(command("suppressions.add", address="a@x.test"), customer=BOB)
        )["suppression"],
        "list": await value(
            "INSERT INTO list (customer_id, name, origin) VALUES ($1, 'l', 'api') RETURNING id", BOB
        ),
    }
    made = await counter.answer(command("senders.put", address="b@x.test"), customer=BOB)
    ids["sender"] = made["sender"]
    made = await counter.answer(command("campaigns.create", name="b"), customer=BOB)
    ids["campaign"] = made["campaign"]
    for entity, row in (
        ("person", {"username": "bob"}),
        ("plan", {"name": "bobs"}),
        ("billing_contact", {"address": "bob@x.test"}),
    ):
        put = command("directory.put", entity=entity, row=row)
        ids[entity] = (await counter.answer(put, customer=BOB))["id"]
    await sql(
        "INSERT INTO agent (customer_id, person_id, kind) VALUES ($1, $2, 'owner')",
        BOB,
        ids["person"],
    )
    await sql("INSERT INTO credit_account (customer_id, currency) VALUES ($1, 'EUR')", BOB)
    counter.heard.told.clear()
    return ids


def _nobodys(ids: Ids) -> Ids:
    """The same names, of nobody."""
    return {
        name: str(uuid.uuid4()) if name == "job"
        else "email_0000000000000" if name == "ticket"
        else NOBODYS
        for name in ids
    }  # fmt: skip


async def _asked(counter: Counter, document: Document) -> tuple[str, str]:
    """The answer, and what is told of it, as Ann reads them."""
    counter.heard.told.clear()
    answer = await counter.answer(document, customer=ANN)
    told = [(one.event.type, one.event.data) for one in counter.heard.told]
    return json.dumps(answer, sort_keys=True), json.dumps(told, sort_keys=True, default=str)


@pytest.mark.parametrize("name", CASES)
async def test_somebody_elses_is_not_there(counter: Counter, theirs: Ids, name: str) -> None:
    """T100: nothing tells the id of another tenant from one that nobody has."""
    before = await _everything(counter)
    foreign, unknown = CASES[name](theirs), CASES[name](_nobodys(theirs))
    for one, other in zip(foreign, unknown, strict=True):
        given, nobodys = (
            document if "command" in document else command(name, **document)
            for document in (one, other)
        )
        assert await _asked(counter, given) == await _asked(counter, nobodys), given
    assert await _everything(counter) == before


async def _everything(counter: Counter) -> Any:
    """All that is Bob's and could be changed, as one text."""
    rows = [
        await counter.value(
            f"SELECT string_agg(t::text, ' ' ORDER BY t::text) FROM {table} t WHERE {owner} = $1",
            BOB,
        )
        for table, owner in (
            ("customer", "id"), ("job", "customer_id"), ("batch", "customer_id"),
            ("suppression", "customer_id"), ("credit_account", "customer_id"),
            ("list", "customer_id"), ("contact", "customer_id"), ("custom_sender", "customer_id"),
            ("campaign", "customer_id"),
            ("person", "customer_id"), ("rate_plan", "customer_id"),
            ("billing_contact", "customer_id"), ("agent", "customer_id"),
        )
    ]  # fmt: skip
    return tuple(rows)


def _takes_ids(kind: type) -> bool:
    """Whether a request names something that may be somebody's."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    return any(
        _is_id(hints[name]) for name in fields if name not in OF_ONESELF and name != "command"
    )


def _is_id(hint: Any) -> bool:
    """An id: a whole number or a UUID, several of them, or what may hold some."""
    inner = typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _takes_ids(hint)
    return hint in (int, UUID, Any) or any(_is_id(one) for one in inner)


def test_every_command_is_asked() -> None:
    """A command that takes a number, or an id, is walked here, or takes none that is anybody's."""
    counted = {"extend", "close"}  # their numbers are of frames; the job goes by one's own key
    taking = {
        name for name, form in FORMS.items() if _takes_ids(typing.cast("type", form.adapter._type))
    }
    assert taking - counted == set(CASES)
