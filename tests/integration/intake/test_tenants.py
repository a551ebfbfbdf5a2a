"""T100: whatever belongs to somebody else is, for everybody else, not there.

Every command that takes an id is asked for another tenant's and for one that nobody has: the two
answers, and what is told of them, are the same but for the id itself.
"""

import dataclasses
import json
import typing
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import pytest

from daemon.mail.request import kinds
from daemon.mail.request.forms import FORMS
from tests.integration.intake.counter import ANN, BOB, Counter, Document, command, send

NOBODYS = 987_654_321
HIS_CONTACT, HIS_ADDRESS = "only-his@x.test", "bob-himself@x.test"
THEN = "2020-01-01T00:00:00Z"
Ids = dict[str, Any]


def _sends(ids: Ids) -> list[Document]:
    """Sends that name something, each by another field."""
    contacts = {"type": "contacts", "ids": [ids["own_contact"], ids["contact"]]}
    everybody = [{"type": "contacts", "ids": [ids["own_contact"]]}]
    listed = {"type": "list", "id": ids["list"]}
    by_name = {"type": "list", "name": ids["list_name"]}
    return [
        send(delivery={"transport": {"id": ids["transport"]}}),
        send(act_as_customer=ids["customer"]),
        send(act_as_customer=ids["customer"], audience=[{"type": "people", "scope": "self"}]),
        *(
            send(messages=[{"subject": "s", "text": "t", **named}])
            for named in (
                {"sender_id": ids["sender"]},
                {"author": {"person_id": ids["person"]}},
                {"author": {"address": ids["address"]}},
            )
        ),
        send(campaign_id=ids["campaign"]),
        send(audience=[listed]),
        send(audience=[by_name]),
        send(audience=[contacts]),
        send(audience=everybody, exclude=[listed]),
        send(audience=everybody, exclude=[by_name]),
        send(audience=everybody, exclude=[{"type": "contacts", "ids": [ids["contact"]]}]),
        send(audience=[contacts], create_list={"name": ids["list_name"]}),
        send(
            audience=[listed, by_name, contacts], exclude=[listed], campaign_id=ids["campaign"],
            delivery={"transport": {"id": ids["transport"]}},
        ),
    ]  # fmt: skip


def _rehearsals(ids: Ids) -> list[Document]:
    """The same without effect, and one that is to be explained."""
    contacts = {"type": "contacts", "ids": [ids["own_contact"], ids["contact"]]}
    explain = {"address": HIS_CONTACT, "sample": 10}
    every = [*_sends(ids), send(audience=[contacts], explain=explain)]
    return [document | {"command": "validate"} for document in every]


CASES: dict[str, Callable[[Ids], list[Document]]] = {
    "send": _sends,
    "validate": _rehearsals,
    "status": lambda ids: [
        {"job": ids["job"]}, {"ticket": ids["ticket"]}, {"message": ids["message"]},
        {"delivery": ids["delivery"]}, {"campaign": ids["campaign"]},
    ],
    "deliveries": lambda ids: [{"job": ids["job"]}, {"message": ids["message"]}],
    "cancel": lambda ids: [
        {"job": ids["job"]}, {"delivery": ids["delivery"]},
        {"job": ids["own_job"], "customer": ids["customer"]},
        {"job": ids["job"], "customer": ids["customer"]},
    ],
    "pause": lambda ids: [{"job": ids["job"]}, {"customer": ids["customer"]}],
    "resume": lambda ids: [{"job": ids["job"]}, {"customer": ids["customer"]}],
    "reschedule": lambda ids: [
        {"job": ids["job"], "not_before": THEN}, {"delivery": ids["delivery"], "not_before": THEN},
        {"job": ids["own_job"], "customer": ids["customer"], "not_before": THEN},
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
    asks = (await counter.answer(send()))["job"], await _contact(counter, ANN, "hers@x.test")
    ids = {
        "own_job": asks[0],
        "own_contact": asks[1],
        "contact": await _contact(counter, BOB, HIS_CONTACT),
        "list_name": "l",
        "address": HIS_ADDRESS,
        "job": done["job"],
        "ticket": done["ticket"],
        "message": done["messages"][0],
        "delivery": done["delivery"],
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
        ("person", {"username": "bob", "addresses": [HIS_ADDRESS]}),
        ("plan", {"name": "bobs"}),
        ("billing_contact", {"address": "bob@x.test"}),
    ):
        put = command("directory.put", entity=entity, row=row)
        ids[entity] = (await counter.answer(put, customer=BOB))["id"]
    await sql("INSERT INTO list_member VALUES ($1, $2, 'api')", ids["list"], ids["contact"])
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
    texts = {"job": str(uuid.uuid4()), "ticket": "email_0000000000000", "list_name": "nobodys"}
    texts["address"] = "nobodys@x.test"
    return {
        name: own if name.startswith("own_") else texts.get(name, NOBODYS)
        for name, own in ids.items()
    }


async def _contact(counter: Counter, customer: int, address: str) -> int:
    """The id of a new contact."""
    number: int = await counter.value(
        "INSERT INTO contact (customer_id, address, norm, supp, domain)"
        " VALUES ($1, $2, $2, $2, 'x.test') RETURNING id",
        customer,
        address,
    )
    return number


async def _asked(counter: Counter, document: Document) -> tuple[str, str]:
    """The answer, and what is told of it, as Ann reads them."""
    counter.heard.told.clear()
    answer = await counter.answer(document, customer=ANN)
    told = [(one.event.type, _bare(one.event.data)) for one in counter.heard.told]
    return json.dumps(_bare(answer), sort_keys=True), json.dumps(told, sort_keys=True, default=str)


def _bare(document: Any) -> Any:
    """Without what every job has of its own."""
    own = {"job", "ticket", "messages", "delivery", "list", "name", "not_before", "expires_at"}
    if not isinstance(document, Mapping):
        return document
    return {name: _bare(value) for name, value in document.items() if name not in own}


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
            ("(SELECT m.*, l.customer_id FROM list_member m JOIN list l ON l.id = m.list_id)",
             "customer_id"),
            ("list", "customer_id"), ("contact", "customer_id"), ("custom_sender", "customer_id"),
            ("campaign", "customer_id"),
            ("person", "customer_id"), ("rate_plan", "customer_id"),
            ("billing_contact", "customer_id"), ("agent", "customer_id"),
        )
    ]  # fmt: skip
    return tuple(rows)


@pytest.mark.parametrize("number", ["contact", "own_contact"])
async def test_what_was_dropped(counter: Counter, theirs: Ids, number: str) -> None:
    """Whoever looks at whom a job left out can't tell another's contact from one of nobody's."""

    async def dropped(contact: int) -> str:
        job = await counter.answer(send(audience=[{"type": "contacts", "ids": [contact]}]))
        page = await counter.answer(command("deliveries", job=job["job"], dropped=True))
        rows = [{**row, "position": 0} for row in page["dropped"]]
        return json.dumps([job["counts"], rows], sort_keys=True)

    is_his = number == "contact"
    assert (await dropped(theirs[number]) == await dropped(NOBODYS)) is is_his


def _ids_of(kind: type, *place: str) -> Iterator[tuple[str, ...]]:
    """Where a request names something that may be somebody's."""
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        if field.name not in OF_ONESELF:
            yield from _ids_in(hints[field.name], (*place, field.name.rstrip("_")))


def _ids_in(hint: Any, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        yield from _ids_of(hint, *place)
    elif hint is UUID or _is_id(hint):
        yield place
    else:
        for inner in typing.get_args(hint):
            yield from _ids_in(inner, place)


def _is_id(hint: Any) -> bool:
    """A whole number as large as the database counts to; others are counts and limits."""
    laws = [
        law for one in getattr(hint, "__metadata__", ()) for law in getattr(one, "metadata", ())
    ]
    return any(getattr(law, "le", None) == kinds.LARGEST_ID for law in laws)


def _names_in(document: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where a document says anything."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield (*place, name)
            yield from _names_in(value, (*place, name))
    elif isinstance(document, list):
        for value in document:
            yield from _names_in(value, place)


@pytest.mark.parametrize("name", FORMS)
def test_every_id_is_asked(name: str) -> None:
    """Every field of a command that holds an id is walked here; and every row of the directory."""
    kind = typing.cast("type", FORMS[name].adapter._type)
    taken = set(_ids_of(kind))
    names: Ids = defaultdict(int)
    asked = {place for one in CASES.get(name, lambda _: [])(names) for place in _names_in(one)}
    assert taken <= asked
    assert bool(taken) == (name in CASES) or name == "directory.put"
