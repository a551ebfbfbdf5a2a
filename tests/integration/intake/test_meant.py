"""Sends to whoever is meant, from the request to the deliveries: who may name whom, and counts."""

from typing import Any
from uuid import UUID

import pytest

from daemon.config.sections import Intake
from daemon.dialects.dialect import Credentials
from daemon.directory import passwords
from daemon.directory.principals import Principal, Principals
from daemon.intake import roles
from daemon.intake.asker import Asker
from daemon.mail.refusal import Code, Refused
from daemon.mail.request.commands import Principal as Named
from tests.integration.expansion.people import Directory
from tests.integration.intake.counter import KEY, Counter, Document, command, send


def to(*terms: Document, **changes: Any) -> Document:
    """A send to these terms."""
    return send(**changes) | {"audience": [*terms]}


def people(scope: str) -> Document:
    """The people of a scope."""
    return {"type": "people", "scope": scope}


@pytest.fixture
async def counter(acme_counter: Counter) -> Counter:
    """Where everything here is put: on the shared directory."""
    return acme_counter


async def relay(counter: Counter, customer: int) -> None:
    """Gives somebody a way out of his own, number 3, which is his default."""
    async with counter.means.store.session() as session:
        await Directory(session._connection).relay(customer, 3)


def errors(answer: Document) -> list[tuple[str, str]]:
    """Code and field of every fault."""
    return [(error["code"], error["field"]) for error in answer["errors"]]


async def test_an_answer_has_the_counts(counter: Counter) -> None:
    """T007: answer, event and job say the same of a branch, by every reason."""
    answer = await counter.answer(to(people("descendants"), purpose="marketing"), customer=7)
    expected = {
        "requested": 9, "queued": 6, "no_address": 1, "invalid": 0, "excluded": 0,
        "duplicate": 1, "suppressed": 1, "not_found": 0, "inactive": 0,
    }  # fmt: skip
    assert answer["counts"] == expected
    [event] = counter.heard.of("job.accepted")
    assert event["counts"] == expected
    [row] = await counter.sql("SELECT requested, queued, duplicate, suppressed FROM job")
    assert row == (9, 6, 1, 1)


async def test_a_dry_run_counts_the_same(counter: Counter) -> None:
    """`dry_run` says what would come of it, and nothing is stored."""
    answer = await counter.answer(to(people("descendants"), dry_run=True), customer=7)
    assert (answer["counts"]["queued"], answer["counts"]["requested"]) == (7, 9)
    assert await counter.value("SELECT count(*) FROM job") == 0


async def test_an_audience_of_nobody(counter: Counter) -> None:
    """T020: a branch without anybody is no fault: the job is complete at once, and says so."""
    answer = await counter.answer(to({"type": "billing", "scope": "children"}), customer=7111)
    assert answer["ok"] is False  # 7111 has no transport of its own
    await counter.sql("UPDATE customer SET parent_id = 7 WHERE id = 7111")
    ask = to({"type": "billing", "scope": "children"}, act_as_customer=7111)
    answer = await counter.answer(ask, customer=7)
    assert answer["counts"]["requested"] == 0
    assert await counter.value("SELECT state FROM job") == "completed"
    [event] = counter.heard.of("job.completed")
    assert event["counts"]["queued"] == 0


async def test_in_somebody_elses_name(counter: Counter) -> None:
    """T003: people, billing contacts, transport and suppressions are the sub-customer's."""
    await relay(counter, 71)
    ask = to({"type": "billing", "scope": "descendants"}, act_as_customer=71)
    answer = await counter.answer(ask, customer=7)
    assert answer["counts"]["queued"] == 4
    [row] = await counter.sql(
        "SELECT j.customer_id, j.acting_customer_id, t.id FROM job j"
        " JOIN lane l ON l.id = j.lane_id JOIN transport t ON t.id = l.transport_id"
    )
    assert row == (7, 71, 3)


async def test_whose_transport(counter: Counter) -> None:
    """A sub-customer without a transport of his own goes out by that of who asks for him."""
    await counter.answer(to(people("self"), act_as_customer=711), customer=7)
    transport = "SELECT transport_id FROM lane l JOIN job j ON j.lane_id = l.id"
    assert await counter.value(transport) == 1


async def test_who_pays(counter: Counter) -> None:
    """Q9: price and credit are those of who asks, whomever it is in the name of."""
    await counter.sql(
        "INSERT INTO rate_plan (id, customer_id, name, bill_type, price_per_email)"
        " VALUES (9, 7, 'dear', 'prepaid', 50)"
    )
    await counter.sql("UPDATE customer SET plan_id = 9 WHERE id = 71")
    await counter.sql("INSERT INTO credit_account (customer_id, balance) VALUES (71, 1000)")
    answer = await counter.answer(to(people("self"), act_as_customer=71), customer=7)
    assert (answer["cost"], answer["residual"]) == ("2.00201136", "53.75301703")
    accounts = await counter.sql(
        "SELECT customer_id, reserved::text FROM credit_account ORDER BY customer_id"
    )
    assert accounts == [(7, "2.00201136"), (71, "0.00000000")]


@pytest.mark.parametrize("other", [8, 81, 1, 73, 731, 999_999])
async def test_another_is_as_good_as_nobody(counter: Counter, other: int) -> None:
    """T019, T100: in the name of anybody but his own: there is no such customer, whoever it is."""
    answer = await counter.answer(to(people("self"), act_as_customer=other), customer=7)
    assert errors(answer) == [("not_found", "act_as_customer")]
    assert answer["errors"][0]["message"] == "names no customer"
    assert await counter.value("SELECT count(*) FROM job") == 0


async def test_lists_by_name_and_by_id(counter: Counter) -> None:
    """A list is found by either; two of the same name belong to two customers."""
    await counter.sql("INSERT INTO list (customer_id, name, origin) VALUES (8, 'L5', 'api')")
    wanted = [{"type": "list", "name": "L5"}, {"type": "list", "id": 6}]
    answer = await counter.answer(to(*wanted, purpose="marketing"), customer=7)
    assert (answer["counts"]["requested"], answer["counts"]["queued"]) == (9, 3)


async def test_lists_that_are_not_there(counter: Counter) -> None:
    """T100: every list that isn't there, or is another's, is named; the job isn't stored."""
    wanted = [{"type": "list", "name": "Nobody's"}, {"type": "list", "id": 8}]
    ask = to(*wanted, people("self"), exclude=[{"type": "list", "id": 424242}])
    answer = await counter.answer(ask, customer=7)
    assert errors(answer) == [
        ("not_found", "audience[0].name"),
        ("not_found", "audience[1].id"),
        ("not_found", "exclude[0].id"),
    ]
    assert await counter.value("SELECT count(*) FROM job") == 0


async def test_me_is_a_person(counter: Counter) -> None:
    """T006: who asks as a person is `me`; a customer as a whole is nobody to write to."""
    answer = await counter.answer(to({"type": "me"}), customer=7)
    assert errors(answer) == [("param.invalid", "audience[0].type")]
    await relay(counter, 71)
    answer = await counter.answer(to({"type": "me"}), customer=71, person_id=3)
    assert answer["counts"]["queued"] == 2
    assert await counter.value("SELECT person_id FROM job") == 3


async def test_frames_after_a_branch(counter: Counter) -> None:
    """An open job may begin with a branch; what frames bring is told apart from it."""
    ask = to(people("children"), open=True, request_id="r")
    assert (await counter.answer(ask, customer=7))["counts"]["queued"] == 3
    frame = command(
        "extend", request_id="r", frame=1,
        items=[{"address": "fred@south.example"}, {"address": "new@x.example"}],
    )  # fmt: skip
    answer = await counter.answer(frame, customer=7)
    assert (answer["counts"]["queued"], answer["counts"]["duplicate"]) == (1, 1)


async def _who(counter: Counter, customer: int, person: int) -> Principal | Refused:
    asker = Asker(
        principals=Principals(counter.means.store, key=KEY), settings=Intake(trusted=["desk"])
    )
    return await asker.native("desk", named=Named(customer_id=customer, person_id=person))


@pytest.mark.parametrize(
    ("customer", "person", "document", "code"),
    [
        (7, 1, send("a@x.test"), None),
        (7, 2, send("a@x.test"), Code.FORBIDDEN_ROLE),
        (72, 8, send("a@x.test"), Code.FORBIDDEN_ROLE),
        (72, 8, command("status", delivery=512), None),
        (7, 2, command("status", delivery=512), Code.FORBIDDEN_ROLE),
        (72, 8, command("cancel", delivery=512), Code.FORBIDDEN_ROLE),
        (71, 3, command("cancel", delivery=512), None),
        (71, 3, command("pause", customer=71), None),
        (71, 3, command("pause", customer=711), Code.FORBIDDEN_ROLE),
        (71, 3, command("cancel", job=str(UUID(int=1)), customer=711), Code.FORBIDDEN_ROLE),
        (7, 1, command("pause", customer=711), None),
        (71, 3, to(people("self")), None),
        (71, 3, to(people("children")), Code.FORBIDDEN_ROLE),
        (71, 3, to(people("self"), exclude=[people("descendants")]), Code.FORBIDDEN_ROLE),
        (71, 3, to(people("self"), act_as_customer=711), Code.FORBIDDEN_ROLE),
        (71, 3, to(people("self"), act_as_customer=71), None),
        (7, 1, to(people("children"), act_as_customer=71), None),
    ],
)
async def test_what_a_role_allows(
    counter: Counter, customer: int, person: int, document: Document, code: Code | None
) -> None:
    """T017, T019: sending, and whatever is about other customers, are two privileges (Q9)."""
    who = await _who(counter, customer, person)
    assert isinstance(who, Principal)
    found = roles.forbidden(counter.read(document).decoded, who)
    assert (found.faults[0].code if found else None) == code


@pytest.mark.parametrize(("customer", "person"), [(721, 9), (7, 3), (7, 424242), (71, 1)])
async def test_who_may_not_ask_at_all(counter: Counter, customer: int, person: int) -> None:
    """T016: of a role that keeps him out, of another customer, or nobody: the same answer."""
    await counter.sql("INSERT INTO role (id, name, can_login) VALUES (9, 'Kept out', false)")
    await counter.sql("UPDATE person SET role_id = 9 WHERE id = 9")
    who = await _who(counter, customer, person)
    assert isinstance(who, Refused)
    assert [(fault.code, fault.field) for fault in who.faults] == [
        (Code.AUTH_INVALID, "principal.person_id")
    ]


async def test_by_password(counter: Counter) -> None:
    """T016: unknown, wrong, gone or of another network: one answer, and no word of which it was."""
    for person in (1, 2, 4):
        await passwords.give(counter.means.store, person, "correct horse", by="test")
    await counter.sql("UPDATE person SET deleted_at = now() WHERE id = 2")
    await counter.sql("UPDATE person SET allowed_sources = '{192.0.2.0/24}' WHERE id = 4")
    asker = Asker(principals=Principals(counter.means.store, key=KEY), settings=Intake())

    async def ask(login: str, secret: str = "correct horse") -> Principal | Refused:
        return await asker.foreign(Credentials(scheme="password", login=login, secret=secret))

    refusals = [await ask("nobody"), await ask("p1", "wrong"), await ask("p2"), await ask("p4")]
    assert refusals == [refusals[0]] * 4
    assert isinstance(refusals[0], Refused)
    who = await ask("p1")
    assert isinstance(who, Principal)
    assert (who.customer.id, who.person_id) == (7, 1)


async def test_an_explanation(counter: Counter) -> None:
    """How many by which term, which lane, why somebody is in and by which branch, and some."""
    wish = {"address": "ANN@acme.example", "sample": 3}
    ask = to(people("descendants"), {"type": "list", "name": "L5"}, dry_run=True, explain=wish)
    answer = await counter.answer(ask | {"purpose": "marketing"}, customer=7)
    found = answer["explained"]
    assert found["terms"] == [
        {"term": 0, "type": "people", "requested": 9, "duplicate": 1, "no_address": 1,
         "queued": 6, "suppressed": 1},
        {"term": 1, "type": "list", "requested": 7, "invalid": 1, "no_address": 1, "queued": 2,
         "suppressed": 3},
    ]  # fmt: skip
    assert found["lane"]["transport"] == 1
    [way] = found["address"]
    assert way["outcome"] == "queued"
    assert way["path"]["person"] == 9
    assert [one["id"] for one in way["branch"]] == [7, 72, 721]
    assert len(found["sample"]) == 3
    assert await counter.value("SELECT count(*) FROM job") == 0


@pytest.mark.parametrize(
    ("address", "outcomes"),
    [
        ("gina@south.example", ["suppressed"]),
        ("dana@retail.example", ["queued", "duplicate"]),
        ("hal@orphan.example", []),
    ],
)
async def test_why_somebody_is_out(counter: Counter, address: str, outcomes: list[str]) -> None:
    """Every way by which an address came in, and what was decided of it; none: it isn't there."""
    ask = to(people("descendants"), dry_run=True, explain={"address": address}, purpose="marketing")
    answer = await counter.answer(ask, customer=7)
    assert [way["outcome"] for way in answer["explained"]["address"]] == outcomes


async def test_literal_terms_are_explained_too(counter: Counter) -> None:
    """Those whom the parcel names itself are told by their terms as well."""
    items = [{"address": "a@x.test"}, {"address": "a@x.test"}, {"address": "nonsense"}]
    terms = [{"type": "recipients", "items": items}, {"type": "recipients", "items": items[:1]}]
    answer = await counter.answer(to(*terms, dry_run=True, explain={}), customer=7)
    assert answer["explained"]["terms"] == [
        {
            "term": 0,
            "type": "recipients",
            "requested": 3,
            "duplicate": 1,
            "invalid": 1,
            "queued": 1,
        },
        {"term": 1, "type": "recipients", "requested": 1, "duplicate": 1},
    ]
