"""Campaigns: kept by `campaigns.*`, and what sends are booked under."""

from typing import Any

import pytest

from daemon.intake import carry, lookup
from daemon.mail.request.send import Send
from daemon.store import campaigns
from daemon.tasks import Group
from tests.integration.intake.counter import ANN, BOB, Counter, Document, command, send
from tests.integration.intake.office import WAITS_FOR_A_LOCK
from tests.waiting import until

CHILD = 11
"""A customer below Ann."""
SPRING = {"name": "Spring", "subject": "Spring, {{ name }}", "html": "<p>Dear {{ name }}</p>"}
ROUTE = "SELECT l.transport_id FROM job j JOIN lane l ON l.id = j.lane_id"


@pytest.fixture(autouse=True)
async def _tree(counter: Counter) -> None:
    await counter.sql("INSERT INTO customer (id, parent_id, name) VALUES ($1, $2, 'c')", CHILD, ANN)


def create(**fields: Any) -> Document:
    """A `campaigns.create`."""
    return command("campaigns.create", **fields)


def booked(campaign: int, *, message: Document | None = None, **changes: Any) -> Document:
    """A send under a campaign, with nothing of its own unless it is given."""
    return send(messages=[message or {}], campaign_id=campaign, **changes)


def told(answer: Document) -> list[tuple[str, str]]:
    """Codes and fields of a refusal."""
    return [(one["code"], one["field"]) for one in answer["errors"]]


async def made(counter: Counter, *, customer: int = ANN, **fields: Any) -> int:
    """The id of a new campaign."""
    answer = await counter.answer(create(**(SPRING | fields)), customer=customer)
    number: int = answer["campaign"]
    return number


async def sender(counter: Counter, **fields: Any) -> int:
    """The id of a new sender of Ann's."""
    put = command("senders.put", **({"address": "news@x.test", "name": "News"} | fields))
    number: int = (await counter.answer(put))["sender"]
    return number


async def transport(counter: Counter, number: int) -> int:
    """Another transport of Ann's."""
    await counter.sql(
        "INSERT INTO transport (id, customer_id, name, kind) VALUES ($1, $2, 'own', 'smtp')",
        number,
        ANN,
    )
    await counter.sql("INSERT INTO lane (transport_id, site) VALUES ($1, '')", number)
    return number


async def spec(counter: Counter) -> Document:
    """The newest message's content, as it is stored."""
    found: Document = await counter.value("SELECT spec FROM message ORDER BY id DESC LIMIT 1")
    return found


async def test_made_and_looked_at(counter: Counter) -> None:
    """What was made is shown whole by its number, and without its content in a page."""
    who = await sender(counter)
    answer = await counter.answer(create(**SPRING, sender=who, transport=1))
    number = answer["campaign"]
    expected = {
        "campaign": number, "customer": ANN, "type": "simple", "active": True, "sender": who,
        "transport": 1, "template": None, "created_by": None, "source": "api", **SPRING,
    }  # fmt: skip
    got = await counter.answer(command("campaigns.get", campaign=number))
    assert expected.items() <= answer.items()
    assert expected.items() <= got.items()
    other = await made(counter, name="Other", type="other", active=False)
    page = await counter.answer(command("campaigns.list", limit=1))
    last = await counter.answer(command("campaigns.list", limit=1, page=page["next"]))
    (first,), (second,) = page["campaigns"], last["campaigns"]
    assert [one["campaign"] for one in (first, second)] == [number, other]
    assert first.keys() & {"subject", "html"} == set()
    off = await counter.answer(command("campaigns.list", active=False))
    assert [one["campaign"] for one in off["campaigns"]] == [other]


async def test_switched_off_and_on(counter: Counter) -> None:
    """Off, no send is booked under it; on again, they are. Twice is told as no change."""
    number = await made(counter)
    off, on = (command(f"campaigns.{deed}", campaign=number) for deed in ("deactivate", "activate"))
    assert (await counter.answer(off))["active"] is False
    assert (await counter.answer(off))["unchanged"]
    assert told(await counter.answer(booked(number))) == [("state.conflict", "campaign_id")]
    assert (await counter.answer(on))["active"] is True
    assert (await counter.answer(booked(number)))["ok"]
    rows = await counter.sql("SELECT by, customer_id, entity, entity_id, deed, detail FROM change")
    assert [(row[4], row[5]) for row in rows] == [
        ("created", {}),
        ("changed", {"active": False}),
        ("changed", {"active": True}),
    ]
    assert {row[:4] for row in rows} == {("nobody for customer 1", ANN, "campaign", str(number))}


async def test_once_for_each_key(counter: Counter) -> None:
    """The same again makes no second one, and a late repeat switches nothing back."""
    asked = create(**SPRING, request_id="k")
    number = (await counter.answer(asked))["campaign"]
    assert (await counter.put(asked)).result == "repeated"
    off = command("campaigns.deactivate", campaign=number, request_id="off")
    await counter.answer(off)
    await counter.answer(command("campaigns.activate", campaign=number, request_id="on"))
    assert (await counter.put(off)).result == "repeated"
    assert await counter.sql("SELECT id, active FROM campaign") == [(number, True)]


async def test_of_what_is_his(counter: Counter) -> None:
    """A sender or a transport of another customer is as one that isn't there; both are told."""
    put = command("senders.put", address="b@x.test")
    theirs = (await counter.answer(put, customer=BOB))["sender"]
    foreign = await counter.answer(create(name="x", sender=theirs, transport=2))
    assert foreign == await counter.answer(create(name="x", sender=999, transport=999))
    assert told(foreign) == [("not_found", "sender"), ("not_found", "transport")]
    assert await counter.value("SELECT count(*) FROM campaign") == 0


async def test_of_a_customer_below(counter: Counter) -> None:
    """Whoever stands above keeps campaigns for those below; and uses them in their name only."""
    number = await made(counter, name="x")
    below = (await counter.answer(create(**SPRING, customer=CHILD)))["campaign"]
    assert (await counter.answer(command("campaigns.list", customer=CHILD)))["campaigns"]
    up = command("campaigns.deactivate", campaign=number)
    assert told(await counter.answer(up, customer=CHILD)) == [("not_found", "campaign")]
    assert (await counter.answer(booked(below, act_as_customer=CHILD)))["campaign"] == below
    for foreign in (booked(below), booked(number, act_as_customer=CHILD)):
        assert told(await counter.answer(foreign)) == [("not_found", "campaign_id")]


@pytest.mark.parametrize(
    ("access", "looks", "makes", "below"),
    [
        ({"manage_transports": 1}, False, False, False),
        ({"send_emails": 2}, True, False, False),
        ({"send_emails": 1}, True, True, False),
        ({"send_emails": 1, "act_for_subcustomers": 1}, True, True, True),
    ],
)
async def test_by_role(
    counter: Counter, access: dict[str, int], looks: bool, makes: bool, below: bool
) -> None:
    """Whoever may send keeps campaigns, for others as far as he acts for them."""
    role = await counter.value("INSERT INTO role (name) VALUES ('r') RETURNING id")
    for privilege, much in access.items():
        await counter.sql("INSERT INTO role_privilege VALUES ($1, $2, $3)", role, privilege, much)
    person = await counter.value(
        "INSERT INTO person (customer_id, role_id) VALUES ($1, $2) RETURNING id", ANN, role
    )
    asked = (command("campaigns.list"), create(**SPRING), create(customer=CHILD, **SPRING))
    answers = [await counter.answer(one, person_id=person) for one in asked]
    assert [answer["ok"] for answer in answers] == [looks, makes, below]
    by = await counter.sql("SELECT DISTINCT created_by FROM campaign")
    assert by == ([(person,)] if makes else [])


async def test_t031(counter: Counter) -> None:
    """T031: under an active, simple campaign of one's own; a foreign one is unknown."""
    fit, off = await made(counter), await made(counter, active=False)
    other, theirs = await made(counter, type="other"), await made(counter, customer=BOB)
    answer = await counter.answer(booked(fit, request_id="fit"))
    assert answer["campaign"] == fit
    assert [one["campaign"] for one in counter.heard.of("job.accepted")] == [fit]
    assert await counter.value("SELECT campaign_id FROM job") == fit
    for number in (off, other):
        assert told(await counter.answer(booked(number))) == [("state.conflict", "campaign_id")]
    foreign, unknown = await counter.answer(booked(theirs)), await counter.answer(booked(424242))
    assert foreign == unknown
    assert told(foreign) == [("not_found", "campaign_id")]
    again = await counter.answer(booked(fit, request_id="fit"))
    assert again == answer


async def test_what_is_left_open_is_supplied(counter: Counter) -> None:
    """Q11: subject, content and sender are the campaign's where the request has none of its own."""
    number = await made(counter, sender=await sender(counter))
    assert (await counter.answer(booked(number)))["ok"]
    found = await spec(counter)
    assert (found["subject"], found["html"]) == (SPRING["subject"], SPRING["html"])
    assert found["from"] == {"address": "news@x.test", "name": "News"}
    named = {"subject": "Own", "text": "Own", "from": {"name": "Ann"}}
    assert (await counter.answer(booked(number, message=named)))["ok"]
    found = await spec(counter)
    assert (found["subject"], found["text"], found.get("html")) == ("Own", "Own", None)
    assert found["from"] == {"address": "news@x.test", "name": "Ann"}
    own = {"from": {"address": "me@x.test"}}
    assert (await counter.answer(booked(number, message=own)))["ok"]
    assert (await spec(counter))["from"] == {"address": "me@x.test"}


async def test_messages_may_be_left_out(counter: Counter) -> None:
    """A campaign that has everything needs no message in the request."""
    bare = booked(await made(counter))
    del bare["messages"]
    assert (await counter.answer(bare))["ok"]
    assert (await spec(counter))["html"] == SPRING["html"]


async def test_what_nobody_supplies(counter: Counter) -> None:
    """What the campaign lacks too is told all at once; recipients may bring it."""
    number = await made(counter, subject=None, html=None)
    assert told(await counter.answer(booked(number))) == [
        ("param.missing", "messages[0].subject"),
        ("param.missing", "messages[0].html"),
    ]
    bringing = {"address": "to@x.test", "override": {"subject": "s", "text": "t"}}
    audience = [{"type": "recipients", "items": [bringing]}]
    assert (await counter.answer(booked(number, audience=audience)))["ok"]
    halfway = await counter.answer(booked(number, message={"subject": "s"}))
    assert told(halfway) == [("param.missing", "messages[0].html")]


ITS_SENDER, ITS_OWN, NAMED = 5, 6, 7


@pytest.mark.parametrize(
    ("message", "delivery", "own", "taken"),
    [
        ({}, {}, ITS_OWN, ITS_OWN),
        ({}, {}, None, ITS_SENDER),
        ({"sender_id": NAMED}, {}, ITS_OWN, NAMED),
        ({"from": {"address": "me@x.test"}}, {}, None, 1),
        ({}, {"transport": {"id": 1}}, ITS_OWN, 1),
        ({}, {"transport": {"default": True}}, ITS_OWN, 1),
    ],
)
async def test_by_which_transport(
    counter: Counter, message: Document, delivery: Document, own: int | None, taken: int
) -> None:
    """Q11: the request's, then its sender's, the campaign's, that of the campaign's sender."""
    for number in (ITS_SENDER, ITS_OWN, NAMED):
        await transport(counter, number)
    who = await sender(counter, transport=ITS_SENDER)
    named = await sender(counter, transport=NAMED, address="named@x.test")
    number = await made(counter, sender=who, transport=own)
    if "sender_id" in message:
        message = {"sender_id": named}
    answer = await counter.answer(booked(number, message=message, delivery=delivery))
    assert answer["ok"], answer
    assert await counter.sql(ROUTE) == [(taken,)]


async def test_what_is_off_behind_it(counter: Counter) -> None:
    """A campaign whose sender, transport or content can't be used says so, and stores nothing."""
    who = await sender(counter)
    number = await made(counter, sender=who, transport=await transport(counter, 5))
    for broken, field in (
        ("UPDATE custom_sender SET active = false", "campaign_id"),
        ("UPDATE transport SET active = false WHERE id = 5", "delivery.transport"),
        ("UPDATE campaign SET html = '{{'", "campaign_id"),
        ("UPDATE campaign SET template_id = 1", "campaign_id"),
    ):
        async with counter.means.store.session() as session:
            await session._connection.execute(broken)
        assert told(await counter.answer(booked(number))) == [("state.conflict", field)], broken
        await counter.sql("UPDATE custom_sender SET active = true")
        await counter.sql("UPDATE transport SET active = true")
        await counter.sql("UPDATE campaign SET html = '', template_id = NULL")
    assert await counter.value("SELECT count(*) FROM job") == 0


async def test_a_sender_that_a_campaign_names(counter: Counter) -> None:
    """It stays as long as the campaign names it."""
    who = await sender(counter)
    await made(counter, sender=who)
    answer = await counter.answer(command("senders.delete", sender=who))
    assert told(answer) == [("state.conflict", "sender")]
    assert await counter.value("SELECT count(*) FROM custom_sender") == 1


async def test_what_no_recipient_brings(counter: Counter) -> None:
    """Variables of a campaign's content that nobody brings are told like those of one's own."""
    number = await made(counter, html="<p>{{ city }}</p>")
    answer = await counter.answer(booked(number))
    assert [one["field"] for one in answer["warnings"]] == ["messages[0].html"]
    [accepted] = counter.heard.of("job.accepted")
    assert accepted["warnings"] == answer["warnings"]


async def test_all_that_is_missing_is_told_at_once(counter: Counter) -> None:
    """A campaign, a sender and a list that aren't there are three errors of one answer."""
    audience = [{"type": "list", "id": 98}]
    answer = await counter.answer(booked(99, message={"sender_id": 97}, audience=audience))
    assert told(answer) == [
        ("not_found", "campaign_id"),
        ("not_found", "messages[0].sender_id"),
        ("not_found", "audience[0].id"),
    ]


async def test_in_groups(counter: Counter) -> None:
    """Sends that are accepted together each get what is theirs, and a bad one disturbs no other."""
    fit, off = await made(counter), await made(counter, name="Off", active=False)
    asks = [counter.read(one) for one in (booked(fit), booked(off), send())]
    results = [verdict.result for verdict in await carry.group(counter.means, asks)]
    assert results == ["accepted", "refused", "accepted"]
    rows = await counter.sql("SELECT j.campaign_id FROM job j JOIN message m ON m.job_id = j.id")
    assert sorted(rows, key=str) == [(fit,), (None,)]


async def test_how_it_stands(counter: Counter) -> None:
    """The asker's jobs under a campaign by state, and their numbers together."""
    number = await made(counter)
    empty = await counter.answer(command("status", campaign=number))
    assert (empty["jobs"], empty["counts"]["queued"], empty["balanced"]) == ({}, 0, True)
    done = await counter.answer(booked(number))
    audience = [{"type": "recipients", "items": [{"address": "a@x.test"}, {"address": "nobody"}]}]
    await counter.answer(booked(number, audience=audience))
    await counter.answer(send())
    canceled = await counter.answer(command("cancel", job=done["job"]))
    assert canceled["ok"]
    answer = await counter.answer(command("status", campaign=number))
    assert answer["jobs"] == {"canceled": 1, "scheduled": 1}
    numbers = {name: count for name, count in answer["counts"].items() if count}
    assert numbers == {"requested": 3, "queued": 2, "invalid": 1, "canceled": 1, "remaining": 1}
    assert (answer["campaign"], answer["balanced"]) == (number, True)
    one = await counter.answer(command("status", job=done["job"]))
    assert one["campaign"] == number


async def test_how_it_stands_while_frames_come(counter: Counter) -> None:
    """While a job is open nobody knows how many are asked for."""
    number = await made(counter)
    await counter.answer(booked(number, open=True, request_id="open"))
    answer = await counter.answer(command("status", campaign=number))
    assert (answer["counts"]["requested"], answer["balanced"]) == (None, True)


async def test_off_is_off_once_it_is_answered(counter: Counter) -> None:
    """Whoever switches it off waits for those who are being accepted under it at that moment."""
    number = await made(counter)
    off = command("campaigns.deactivate", campaign=number)
    async with Group() as group:
        async with counter.means.store.transaction() as session:
            ask = counter.read(booked(number))
            assert isinstance(ask.request, Send)
            found = await lookup.looked_up(session, ask, ask.request)
            assert isinstance(found, lookup.Known)
            switching = group.create_task(counter.answer(off), name="switching")
            await until(lambda: counter.value(WAITS_FOR_A_LOCK))
            still = await campaigns.one(session, number)
            assert still is not None
            assert still.active
        assert (await switching)["active"] is False
    assert told(await counter.answer(booked(number))) == [("state.conflict", "campaign_id")]
