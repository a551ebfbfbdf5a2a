"""What a request lacks, or says oddly: the cases of the requirements (3.2, 3.6) natively."""

from itertools import combinations
from typing import Any
from uuid import UUID

import pytest

from tests.stories import asks
from tests.stories.acme import faults, letter, of, reached, refused, send
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP

_FULL = {"subject": "Hello", "text": "Hello.", "from": {"address": asks.FROM}}
_FAULTS = {
    "subject": ("param.missing", "messages[0].subject"),
    "text": ("param.missing", "messages[0].html"),
}
"""What is said of a message without one of these."""


async def test_t014(furnished: House) -> None:
    """T014: a kind of audience that there is none of is named, and nothing stored."""
    said = await refused(
        furnished,
        send(1, "a@x.example", messages=[]),
        send(1, {"type": "all"}),
        send(1, {"type": "Billing", "scope": "children"}),
    )
    places = [[field for _, field in faults] for faults in said]
    assert places == [["messages"], ["audience[0].type"], ["audience[0].type"]]


async def test_t015(furnished: House) -> None:
    """T015: without subject, body or both there is one fault for each, and nothing is stored.

    Null is as good as nothing; an empty text is a text (what a form's empty field means is its
    dialect's to say). Whom a message is from needn't be said: then it is the transport's address.
    """
    lacking = [names for number in (1, 2, 3) for names in combinations(_FULL, number)]
    lacking.remove(("from",))
    for absent in (_without, _nulled):
        bodies = [send(1, "a@x.example", messages=[absent(*names)]) for names in lacking]
        expected = [[_FAULTS[name] for name in names if name in _FAULTS] for names in lacking]
        assert await refused(furnished, *bodies) == expected
        to = f"t015-{absent.__name__}@x.example"
        await reached(furnished, send(1, to, messages=[absent("from")]), to)
        [mail] = furnished.sink.mails_to(to)
        assert mail["From"] == "mailer@acme.example"
    to = "t015-empty@x.example"
    await reached(furnished, send(1, to, **letter(subject="", text="Hello.")), to)


def _without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in _FULL.items() if name not in names}


def _nulled(*names: str) -> dict[str, Any]:
    return _FULL | dict.fromkeys(names)


async def test_t025(furnished: House) -> None:
    """T025: what a message says in HTML is sent as it stands, beside a plain part made of it."""
    content = "Hi <b>user</b>, enjoy our product!"
    body = send(1, {"type": "contacts", "ids": [5380718]}, **letter(html=content))
    await reached(furnished, body, "john@cust.example")
    [mail] = furnished.sink.mails_to("john@")
    assert content in mail.get_body(("html",)).get_content()
    assert mail.get_body(("plain",)).get_content().strip() == "Hi user, enjoy our product!"


async def test_t067(furnished: House) -> None:
    """T067: a mailing is shown before and after it is sent, by a name of its own if it has none.

    Whoever isn't there, or is another's, has no deliveries, in the same words.
    """
    ask, delivery = furnished.producer.ask, {"not_before": asks.later(3600)}
    jobs = [(await ask(send(1, "t067@x.example", delivery=delivery))).job for _ in range(2)]
    who = {"principal": of(1)}
    shown = [(await ask(asks.command("status", job=job, **who))).done for job in jobs]
    assert [one["state"] for one in shown] == ["scheduled"] * 2
    assert len({one["name"] for one in shown} - {""}) == 2
    moved = asks.command("reschedule", job=jobs[0], not_before=asks.later(0), **who)
    assert (await ask(moved)).done["moved"] == 1
    assert (await ask(asks.command("cancel", job=jobs[1], **who))).done["canceled"] == 1
    for job, state, letter_state in zip(jobs, ("completed", "canceled"), ("sent", "canceled"),
                                        strict=True):  # fmt: skip
        await furnished.events.completed(job)
        assert (await ask(asks.command("status", job=job, **who))).done["state"] == state
        listed = (await ask(asks.command("deliveries", job=job, **who))).done["deliveries"]
        assert [(one["address"], one["state"]) for one in listed] == [
            ("t067@x.example", letter_state)
        ]
    foreign = await ask(asks.command("deliveries", job=jobs[0], principal=of(None, 8)))
    nobodys = await ask(asks.command("deliveries", job=str(UUID(int=7)), principal=of(None, 8)))
    assert faults(foreign) == faults(nobodys) == [("not_found", "job")]


async def test_t034(furnished: House) -> None:
    """T033, T034: the owner and an agent may be the author, by number or address, nobody else.

    From is his name with the transport's address, and answers go to him.
    """
    await furnished.rows("UPDATE person SET forename = 'Ann', surname = 'Lee' WHERE id = 1")
    authors = (
        ({"person_id": 1}, "Ann Lee <mailer@acme.example>", "ann@acme.example"),
        ({"address": "ann@acme.example"}, "Ann Lee <mailer@acme.example>", "ann@acme.example"),
        ({"address": "ann@ACME.example"}, "Ann Lee <mailer@acme.example>", "ann@acme.example"),
        ({"person_id": 2}, "mailer@acme.example", "bob@acme.example"),
    )
    for number, (author, shown, answers_to) in enumerate(authors):
        to = f"t034-{number}@x.example"
        await reached(furnished, send(1, to, messages=[_without("from") | {"author": author}]), to)
        [mail] = furnished.sink.mails_to(to)
        assert (mail["From"], mail["Reply-To"]) == (shown, answers_to)
    strangers = ({"person_id": 3}, {"person_id": 424_242}, {"address": "carl@north.example"})
    bodies = [
        send(1, "a@x.example", messages=[_without("from") | {"author": one}]) for one in strangers
    ]
    wrong = [("param.invalid", "messages[0].author")]
    assert await refused(furnished, *bodies) == [wrong] * len(strangers)


@pytest.mark.parametrize("field", ["subject", "from"])
async def test_t024(furnished: House, field: str) -> None:
    """T024: a line break in subject or From is a fault of that field."""
    more = {"subject": "a\r\nBcc: b@x.example"}
    if field == "from":
        more = {"from": {"address": asks.FROM, "name": "a\nBcc: b@x.example"}}
    said = await refused(furnished, send(1, "a@x.example", **letter(text="t", **more)))
    place = "messages[0].subject" if field == "subject" else "messages[0].from.name"
    assert said == [[("param.invalid", place)]]


async def test_t076(furnished: House) -> None:
    """T076: no address is dropped, blanks are no part of one, a domain goes out as an A-label.

    One that is malformed is its own fault: it is dropped and listed, while the others are sent.
    """
    items = [{}, {"address": " t076@x.example "}, {"address": "t076@b\u00fccher.example"},
             {"address": "t076@@x.example"}]  # fmt: skip
    body = send(1, {"type": "recipients", "items": items})
    asked = await reached(
        furnished, body, "t076@x.example", "t076@xn--bcher-kva.example", no_address=1, invalid=1
    )
    listed = await furnished.producer.ask(
        asks.command("deliveries", job=asked.job, dropped=True, principal=body["principal"])
    )
    assert [(one["position"], one["reason"]) for one in listed.done["dropped"]] == [
        (0, "no_address"), (3, "invalid"),
    ]  # fmt: skip


async def test_t083(furnished: House) -> None:
    """T083: both: plain first; HTML alone brings a plain part along; plain alone is one part.

    So is an empty one, which is accepted.
    """
    forms = {
        "both": ({"text": "plain", "html": "<p>rich</p>"}, ["text/plain", "text/html"]),
        "html": ({"html": "<p>rich</p>"}, ["text/plain", "text/html"]),
        "text": ({"text": "plain"}, ["text/plain"]),
        "empty": ({"text": ""}, ["text/plain"]),
    }
    for word, (fields, parts) in forms.items():
        to = f"t083-{word}@x.example"
        await reached(furnished, send(1, to, **letter(**fields)), to)
        [mail] = furnished.sink.mails_to(to)
        assert [p.get_content_type() for p in mail.walk() if not p.is_multipart()] == parts
        assert parts != ["text/plain"] or mail.get_content().strip() == fields["text"]
