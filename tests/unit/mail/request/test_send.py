"""`send`: what each field takes and refuses, and the defaults that follow from others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daemon.mail.request import send
from daemon.mail.request.decode import Decoded
from daemon.mail.request.rules import DAY, Class, Doubt, Purpose

NOW = datetime(2030, 6, 1, 12, 0, tzinfo=UTC)


def put(document: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """The document with a value at a place such as `messages.0.from.address`."""
    *way, last = place.split(".")
    inner: Any = document
    for step in way:
        inner = inner[int(step)] if step.isdecimal() else inner.setdefault(step, {})
    inner[int(last) if last.isdecimal() else last] = value
    return document


def path(place: str) -> str:
    """The place as faults write it."""
    return "".join(f"[{s}]" if s.isdecimal() else f".{s}" for s in place.split("."))[1:]


@pytest.mark.parametrize(
    ("place", "value", "got"),
    [
        ("request_id", "k", "k"),
        ("request_id", "ключ" * 32, "ключ" * 32),
        ("dry_run", True, True),
        ("dialect", "native", "native"),
        ("name", "Newsletter №2", "Newsletter №2"),
        ("name", "", ""),
        ("purpose", "marketing", Purpose.MARKETING),
        ("class", "bulk", Class.BULK),
        ("messages.0.ref", "0", "0"),
        ("messages.0.subject", "", ""),
        ("messages.0.subject", "\u00a0ü" * 200, "\u00a0ü" * 200),
        ("messages.0.text", "", ""),
        ("messages.0.text", "a\r\nb\tc\x0b", "a\r\nb\tc\x0b"),
        ("messages.0.html", "<p>{{ x }}</p>", "<p>{{ x }}</p>"),
        ("messages.0.from", {}, send.From()),
        ("messages.0.from.address", " Ann@EXAMPLE.com ", "Ann@example.com"),
        ("messages.0.from.address", "a@bücher.example", "a@xn--bcher-kva.example"),
        ("messages.0.from.name", "Ann, the \u200fOther", "Ann, the \u200fOther"),
        ("messages.0.reply_to", "office@example.org", "office@example.org"),
        ("messages.0.sender_id", 5, 5),
        ("messages.0.author", {"person_id": 5}, send.Agent(person_id=5)),
        ("messages.0.author", {"address": "ü@X.example"}, send.Agent(address="ü@x.example")),
        ("delivery.mode", "individual", "individual"),
        ("delivery.not_before", "2030-06-01T15:00:00+03:00", NOW),
        ("delivery.not_before", "2030-06-01 12:00Z", NOW),
        ("delivery.not_before", "2030-06-01t12:00:00.5z", NOW + timedelta(seconds=0.5)),
        ("delivery.not_before", "2031-06-02T12:00:00Z", NOW + timedelta(days=366)),
        ("delivery.not_before_raw", "2030-06-01 15:00", "2030-06-01 15:00"),
        ("delivery.expires_after", 1, 1),
        ("delivery.expires_after", 366 * DAY, 366 * DAY),
        ("delivery.expires_after", "30s", 30),
        ("delivery.expires_after", "90m", 5400),
        ("delivery.expires_after", "12h", 43200),
        ("delivery.expires_after", "5d", 5 * DAY),
        ("delivery.doubt", "give_up", Doubt.GIVE_UP),
        ("delivery.transport", {"id": 3}, send.Transport(id=3)),
        ("delivery.transport", {"id": 3, "default": False}, send.Transport(id=3)),
        ("delivery.transport", {"default": True}, send.Transport(default=True)),
        ("delivery.track_open", False, False),
        ("delivery.track_click", False, False),
        ("open", True, True),
    ],
)
def test_a_fit_value_is_taken(read, letter, place: str, value: Any, got: Any) -> None:
    """Every field takes what the requirements say, in canonical form."""
    answer = read(put(letter, place, value))
    assert isinstance(answer, Decoded), answer
    found: Any = answer.request
    for step in place.split("."):
        name = {"from": "from_", "class": "class_"}.get(step, step)
        found = found[int(step)] if step.isdecimal() else getattr(found, name)
    assert found == got


@pytest.mark.parametrize(
    ("place", "values"),
    [
        ("request_id", [1, "", "x" * 129, "a\nb", "a\0b", True, []]),
        ("dry_run", [1, "true", 0, []]),
        ("dialect", ["smsby", "Native", 1]),
        ("name", [1, "a\r\nb", "x" * 257, "\u202eevil", "\0"]),
        ("purpose", ["", "Marketing", "alert", 1, ["marketing"], {}]),
        ("class", ["", "high", "URGENT", 0, {}]),
        ("audience", ["ann@example.com", {}, 1, True]),
        ("messages", [{}, "text", [], 1]),
        ("messages.0", ["text", 1, [], True]),
        ("messages.0.ref", [0, "a\nb"]),
        ("messages.0.subject", [1, "a\nb", "a\r\nBcc: x", "\x85", "\u2028", "é" * 500, "a\0"]),
        ("messages.0.subject", ["{{", "{{ a }} {{ b"]),
        ("messages.0.text", [1, "a\0b", ["t"], "Dear {{ first name }}"]),
        ("messages.0.html", [1, "\0", {}, "{{ name|upper }}"]),
        ("messages.0.from", ["ann@example.com", 1, []]),
        ("messages.0.from.address", ["", "ann", "a@b@c", "Ann <a@b.example>", "ü@b.example", 1]),
        ("messages.0.from.address", ["a@b", "a@b.example\nBcc: c@d.example", "a@b.example,c@d.ee"]),
        ("messages.0.from.name", [1, "a\nb", "x\u202ey", "a\0", "x" * 257, "{{}}"]),
        ("messages.0.reply_to", ["nobody", {}, "a@b.example\r\n"[:-1] + "x", 1]),
        ("messages.0.sender_id", [0, "1", 1.0, True, 2**63, []]),
        ("delivery", ["now", 1, []]),
        ("delivery.mode", ["shared", "", 1]),
        ("delivery.not_before", ["", "tomorrow", "2030-06-01", "2030-06-01T12:00:00", 1906545600]),
        ("delivery.not_before", ["2030-13-01T10:00:00Z", "2030-02-30T10:00:00Z", "12:00Z"]),
        ("delivery.not_before", ["2031-06-02T12:00:01Z", "9999-12-31T23:59:59-14:00"]),
        ("delivery.not_before", ["0001-01-01T00:00:00+14:00", "2030-06-01T12:00:60Z", True]),
        ("delivery.not_before_raw", [1, "a\nb"]),
        (
            "delivery.expires_after",
            [0, -1, 1.5, "5", "5 d", "1w", "-1d", "1e3s", True, 366 * DAY + 1],
        ),
        ("delivery.expires_after", ["999999999d", "\u0665d"]),
        ("delivery.doubt", ["", "drop", 1]),
        ("delivery.transport", [1, "default", {}, {"id": 1, "default": True}, {"default": False}]),
        ("delivery.transport.id", [0, -1, "1", 1.0, True, 2**63]),
        ("delivery.transport.default", [1, "yes"]),
        ("delivery.track_open", [1, 0, "1"]),
        ("delivery.track_click", [1, 0, "1"]),
        ("open", [1, "yes"]),
        ("principal", [7, {}, "7"]),
        ("principal.customer_id", [0, "7", 7.0, True]),
    ],
)
def test_an_unfit_value_is_refused_at_its_place(faults, letter, place: str, values: list) -> None:
    """Nothing is cast or repaired: a wrong type or value is a fault of its field."""
    for value in values:
        found = faults(put(letter, place, value))
        assert any(field.startswith(path(place)) for _, field in found), (value, found)


def test_an_unfit_template_is_told_with_all_else(faults, letter) -> None:
    """Whatever is wrong in fields, templates and overrides is told at once (promise 10)."""
    letter["audience"][0]["items"] += [{"address": "b@example.com", "override": {"html": "{{ x"}}]
    letter["messages"][0] |= {"subject": "{{ a b }}", "text": "{{", "reply_to": "nobody"}
    letter["delivery"] = {"not_before": "tomorrow"}
    assert {field for _, field in faults(letter)} == {
        "audience[0].items[1].override.html",
        "messages[0].subject",
        "messages[0].text",
        "messages[0].reply_to",
        "delivery.not_before",
    }


def test_what_must_be_there(faults) -> None:
    """Audience and message are required; the fault says which is missing."""
    assert faults({"v": 1, "command": "send"}) == {
        ("param.missing", "audience"),
        ("param.missing", "messages"),
    }


@pytest.mark.parametrize(
    ("term", "fault"),
    [
        ({}, ("param.missing", "audience[0].type")),
        ({"type": "recipients"}, ("param.missing", "audience[0].items")),
        ({"type": "recipients", "items": {}}, ("param.invalid", "audience[0].items")),
        ({"type": "recipients", "items": []}, ("audience.empty", "audience")),
        ({"type": "recipients", "items": [{}], "ids": []}, ("param.invalid", "audience[0].ids")),
        ({"type": "everyone"}, ("param.invalid", "audience[0].type")),
        ({"type": ["recipients"]}, ("param.invalid", "audience[0].type")),
        ("ann@example.com", ("param.invalid", "audience[0]")),
    ],
)
def test_a_term_is_whole(faults, letter, term: Any, fault: tuple[str, str]) -> None:
    """A term says what it is, and recipients are a list of somebody."""
    letter["audience"] = [term]
    assert faults(letter) == {fault}


def test_an_audience_may_be_empty_only_when_open(faults, letter: dict[str, Any]) -> None:
    """Nobody to send to is a fault, unless frames will bring them (design 2.3)."""
    letter["audience"] = []
    assert faults(letter) == {("audience.empty", "audience")}
    assert faults(letter | {"open": True}) == set()


def test_one_parcel_holds_so_many_recipients(faults, letter: dict[str, Any]) -> None:
    """The limit counts all terms together (A11)."""
    ten = [{"address": "ann@example.com"}] * 10
    letter["audience"] = [{"type": "recipients", "items": ten}] * 2
    assert faults(letter, recipients=20) == set()
    assert faults(letter, recipients=19) == {("too_large", "audience")}
    assert faults(letter, recipients=9) == {
        ("too_large", "audience[0].items"),
        ("too_large", "audience[1].items"),
    }
    letter["audience"] = [{"type": "recipients", "items": []}] * 101
    assert faults(letter) == {("too_large", "audience")}


@pytest.mark.parametrize(
    ("message", "override", "missing"),
    [
        ({}, {}, {"subject", "html"}),
        ({"subject": "s"}, {}, {"html"}),
        ({"html": "h"}, {}, {"subject"}),
        ({"html": "h"}, {"subject": "s"}, set()),
        ({}, {"subject": "s", "text": "t"}, set()),
        ({}, {"subject": "s"}, {"html"}),
        ({"subject": None, "text": None}, {"subject": "s", "html": "h"}, set()),
    ],
)
def test_every_mail_has_subject_and_body(faults, letter, message, override, missing) -> None:
    """They come from the message, or from every recipient's override."""
    letter["messages"] = [message]
    letter["audience"][0]["items"] = [{"address": "a@b.example", "override": override}] * 2
    assert faults(letter) == {("param.missing", f"messages[0].{part}") for part in missing}
    letter["audience"][0]["items"].append({"address": "c@d.example"})
    assert bool(faults(letter)) == (message != {"subject": "s", "html": "h"})


def test_an_open_job_brings_its_content(faults, letter: dict[str, Any]) -> None:
    """Frames that are still to come can't be asked for overrides."""
    letter["open"] = True
    letter["messages"] = [{}]
    letter["audience"][0]["items"][0]["override"] = {"subject": "s", "text": "t"}
    assert faults(letter) == {
        ("param.missing", "messages[0].subject"),
        ("param.missing", "messages[0].html"),
    }


@pytest.mark.parametrize(
    ("change", "urgent", "count", "expected"),
    [
        ({}, False, 1, Class.NORMAL),
        ({}, False, 1000, Class.NORMAL),
        ({}, False, 1001, Class.BULK),
        ({}, True, 1001, Class.URGENT),
        ({"purpose": "marketing"}, False, 1, Class.BULK),
        ({"purpose": "marketing"}, True, 1, Class.URGENT),
        ({"open": True}, False, 1, Class.BULK),
        ({"class": "normal"}, True, 1, Class.NORMAL),
        ({"class": "urgent"}, False, 1001, Class.URGENT),
    ],
)
def test_the_class_follows_from_queue_purpose_and_size(
    read, letter, change, urgent: bool, count: int, expected: Class
) -> None:
    """Q3: urgent on the urgent queue; bulk for marketing, open or large jobs; else normal."""
    letter["audience"][0]["items"] *= count
    assert read(letter | change, urgent=urgent).request.class_ is expected


def test_defaults(read, letter: dict[str, Any]) -> None:
    """What isn't said: transactional, resent when in doubt, five days, tracked (Q3, Q21)."""
    request = read(letter).request
    assert (request.purpose, request.dialect, request.open) == ("transactional", "native", False)
    assert request.delivery == send.Delivery()
    assert request.delivery.doubt is Doubt.RESEND
    assert request.delivery.track_open
    assert request.delivery.track_click
    assert read(letter | {"purpose": "marketing"}).request.delivery.doubt is Doubt.HOLD


def test_defaults_are_the_configuration_s(read, letter: dict[str, Any]) -> None:
    """Expiry and doubt policy come from the rules when the request doesn't say."""
    doubt = {Purpose.TRANSACTIONAL: Doubt.GIVE_UP, Purpose.MARKETING: Doubt.RESEND}
    delivery = read(letter, expires_after=60, doubt=doubt).request.delivery
    assert (delivery.expires_after, delivery.doubt) == (60, Doubt.GIVE_UP)


def test_validate_is_a_dry_run(read, letter: dict[str, Any]) -> None:
    """`validate` is `send` with `dry_run` (requirements 2.3)."""
    request = read(letter | {"command": "validate"}).request
    assert isinstance(request, send.Send)
    assert request.dry_run


def test_the_past_means_at_once_and_is_told(read, letter: dict[str, Any]) -> None:
    """A due time that has passed is taken, with a warning (Q16)."""
    past = read(put(letter, "delivery.not_before", "2030-06-01T11:59:59Z"))
    assert past.request.due < NOW
    assert [notice.field for notice in past.notices] == ["delivery.not_before"]
    assert not read(put(letter, "delivery.not_before", "2030-06-01T12:00:00Z")).notices


def test_recipients_of_all_terms_come_in_order(read, letter: dict[str, Any]) -> None:
    """The audience is a union of its terms."""
    terms = [[{"address": "a@b.example"}], [{"address": "c@d.example"}, {"address": "e@f.example"}]]
    letter["audience"] = [{"type": "recipients", "items": items} for items in terms]
    asked = [recipient.address for recipient in read(letter).request.recipients]
    assert asked == ["a@b.example", "c@d.example", "e@f.example"]


def test_a_sender_brings_the_address(read, faults, letter) -> None:
    """Beside a sender a message may say another name and no other address."""
    message = letter["messages"][0] | {"sender_id": 5}
    named = letter | {"messages": [message | {"from": {"name": "Ann"}}]}
    assert isinstance(read(named), Decoded)
    both = letter | {"messages": [message | {"from": {"address": "ann@example.com"}}]}
    assert faults(both) == {("param.invalid", "messages[0].from.address")}


@pytest.mark.parametrize("author", [{}, {"person_id": 5, "address": "ann@example.com"}])
def test_an_author_is_known_by_one_thing(faults, letter, author) -> None:
    """Both could be of two people, and nothing is of nobody."""
    letter["messages"][0]["author"] = author
    assert faults(letter) == {("param.invalid", "messages[0].author")}


def test_a_campaign_may_have_what_a_message_lacks(read, faults, letter) -> None:
    """Under a campaign a message may lack anything, or not be there; what is there must be fit."""
    letter["campaign_id"] = 880
    assert read(letter).request.campaign_id == 880
    for messages in ([{}], None):
        answer = read(letter | {"messages": messages})
        assert isinstance(answer, Decoded), answer
        assert answer.request.messages == (send.Message(),)
    assert faults(letter | {"messages": []}) == {("param.invalid", "messages")}
    assert faults(letter | {"messages": [{"html": "{{"}]}) == {
        ("param.invalid", "messages[0].html")
    }
    assert faults(letter | {"campaign_id": "880"}) == {("param.invalid", "campaign_id")}
