"""The way in: what is no request, what is refused, and what two equal requests have in common."""

import random
from typing import Any

import orjson
import pytest

from daemon.mail.refusal import Code, NotARequest, Refused
from daemon.mail.request import decode
from daemon.mail.request.decode import Decoded
from daemon.mail.request.parcel import Label


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({}, Code.UNSUPPORTED_VERSION),
        ({"command": "send"}, Code.UNSUPPORTED_VERSION),
        ({"v": 2, "command": "send"}, Code.UNSUPPORTED_VERSION),
        ({"v": "1", "command": "send"}, Code.UNSUPPORTED_VERSION),
        ({"v": 1.0, "command": "send"}, Code.UNSUPPORTED_VERSION),
        ({"v": True, "command": "send"}, Code.UNSUPPORTED_VERSION),
        ({"v": None, "command": "send"}, Code.UNSUPPORTED_VERSION),
        ({"v": 1}, Code.UNKNOWN_COMMAND),
        ({"v": 1, "command": "sned"}, Code.UNKNOWN_COMMAND),
        ({"v": 1, "command": "SEND"}, Code.UNKNOWN_COMMAND),
        ({"v": 1, "command": None}, Code.UNKNOWN_COMMAND),
        ({"v": 1, "command": ["send"]}, Code.UNKNOWN_COMMAND),
        ({"v": 1, "command": {}}, Code.UNKNOWN_COMMAND),
    ],
)
def test_what_is_no_request_is_for_the_dead_letters(read, document: Any, code: Code) -> None:
    """An unknown version or command is no request, rather than a refused one (T089)."""
    answer = read(document)
    assert isinstance(answer, NotARequest)
    assert answer.code is code


@pytest.mark.parametrize("type_", [None, "", "native"])
def test_a_parcel_without_a_dialect_is_native(read, letter: dict[str, Any], type_: Any) -> None:
    """Only an absent type, or `native`, is ours."""
    assert isinstance(read(letter, label=Label(type=type_)), Decoded)


def test_an_unknown_type_is_no_request(read, letter: dict[str, Any]) -> None:
    """A type that names no dialect is not taken for a native request."""
    answer = read(letter, label=Label(type="pigeon"))
    assert isinstance(answer, NotARequest)
    assert answer.code is Code.UNKNOWN_TYPE


def test_a_body_above_the_limit_is_no_request(read, letter: dict[str, Any]) -> None:
    """The size comes first."""
    answer = read(letter, body=20)
    assert isinstance(answer, NotARequest)
    assert answer.code is Code.TOO_LARGE


def test_all_faults_are_told_at_once(faults, letter: dict[str, Any]) -> None:
    """Faults of recipients, of fields and between fields come in one refusal, each at its place."""
    letter["audience"].append({"type": "recipients", "items": [{"adress": "x"}, {"name": 3}]})
    letter["messages"][0] |= {"subject": 3, "subjct": "s", "from": {"address": "nowhere"}}
    letter["delivery"] = {"transport": {}, "doubt": "maybe", "not_before": "tomorrow"}
    letter["purpos"] = "marketing"
    assert faults(letter) == {
        ("param.invalid", "audience[1].items[0].adress"),
        ("param.invalid", "audience[1].items[1].name"),
        ("param.invalid", "messages[0].subject"),
        ("param.invalid", "messages[0].subjct"),
        ("param.invalid", "messages[0].from.address"),
        ("param.invalid", "delivery.transport"),
        ("param.invalid", "delivery.doubt"),
        ("param.invalid", "delivery.not_before"),
        ("param.invalid", "purpos"),
    }


def test_an_unknown_field_is_told_with_the_nearest_known(read, letter: dict[str, Any]) -> None:
    """A misspelt field is refused, and the refusal says which one was meant."""
    letter["purpos"] = "marketing"
    letter["messages"][0]["frm"] = {}
    letter["delivery"] = {"transprot": {"id": 1}}
    answer = read(letter)
    assert isinstance(answer, Refused)
    told = {fault.field: fault.message for fault in answer.faults}
    assert told["purpos"] == "is not known; did you mean `purpose`?"
    assert told["messages[0].frm"] == "is not known; did you mean `from`?"
    assert told["delivery.transprot"] == "is not known; did you mean `transport`?"


@pytest.mark.parametrize("name", ["class_", "from_", "__class__", "self", "v2"])
def test_our_own_names_are_not_the_sender_s(faults, letter: dict[str, Any], name: str) -> None:
    """No name of a Python attribute or argument is a field."""
    letter[name] = "bulk"
    assert faults(letter) == {("param.invalid", name)}


@pytest.mark.parametrize("name", ["template", "locale", "stop_when", "sent_copy"])
def test_a_field_of_version_1_without_effect_here_is_refused(read, letter, name: str) -> None:
    """Nobody waits for an effect that doesn't come (`locale`, `stop_when` …)."""
    answer = read(letter | {name: []})
    assert isinstance(answer, Refused)
    assert [fault.message for fault in answer.faults] == ["is not supported by this daemon"]


def test_null_is_absent(read, letter: dict[str, Any]) -> None:
    """A field that is null, at any depth, is as if it weren't there (requirements 2)."""
    nulls = dict.fromkeys(["request_id", "name", "class", "purpose", "delivery", "open", "exclude"])
    spelled = letter | nulls
    spelled["messages"] = [letter["messages"][0] | {"html": None, "from": {"name": None}}]
    assert isinstance(read(spelled), Decoded)
    spelled["messages"] = [letter["messages"][0]]
    assert read(spelled).request == read(letter).request


def test_a_refusal_knows_whose_it_is(read, letter: dict[str, Any]) -> None:
    """Command, fit key and whom it claims to be of travel with a refusal, who is judged first."""
    named = {"customer_id": 7, "person_id": 1, "api_key_id": 2**63}
    answer = read(letter | {"request_id": "k", "principal": named, "x": 1})
    assert isinstance(answer, Refused)
    assert (answer.command, answer.request_id, answer.customer_id) == ("send", "k", 7)
    assert (answer.person_id, answer.api_key_id) == (1, None)


@pytest.mark.parametrize("key", [7, "", "x" * 129, "a\nb", ["k"]])
def test_an_unfit_key_is_a_fault_and_not_repeated(read, letter: dict[str, Any], key: Any) -> None:
    """A key that can't be one isn't sent back either."""
    answer = read(letter | {"request_id": key, "principal": "x"})
    assert isinstance(answer, Refused)
    assert "request_id" in {fault.field for fault in answer.faults}
    assert (answer.request_id, answer.customer_id) == (None, None)


def test_many_faults_are_counted_not_listed(read, letter: dict[str, Any]) -> None:
    """A hundred faults are told one by one, of the others how many there are."""
    letter["audience"][0]["items"] = [{"address": 3}] * 250
    answer = read(letter)
    assert isinstance(answer, Refused)
    assert len(answer.faults) == 101
    assert answer.faults[-1].message == "and 150 more faults"


def test_a_path_shows_names_of_fields_only(read, letter: dict[str, Any]) -> None:
    """What stands where a name should may be a secret: it isn't shown unless it looks like one."""
    letter["ann@example.com"] = 1
    letter["x" * 65] = 1
    letter["päß_1-x"] = 1
    answer = read(letter)
    assert isinstance(answer, Refused)
    assert sorted(fault.field for fault in answer.faults) == ["?", "?", "päß_1-x"]


def shuffled(value: Any, order: random.Random) -> Any:
    """The same document with its names in another order."""
    if isinstance(value, dict):
        names = list(value)
        order.shuffle(names)
        return {name: shuffled(value[name], order) for name in names}
    return [shuffled(inner, order) for inner in value] if isinstance(value, list) else value


def canonical(read: Any, document: dict[str, Any]) -> bytes:
    """The canonical bytes of a document that is a request."""
    return decode.canonical_bytes(read(document).source)


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_names_does_not_change_a_request(read, letter, seed: int) -> None:
    """Two bodies that differ in the order of their names are the same request (A1, A2)."""
    letter |= {"request_id": "k", "name": "n", "delivery": {"doubt": "hold", "expires_after": "1d"}}
    letter["audience"][0]["items"][0] |= {"vars": {"a": "1", "b": 2.50, "c": None}, "name": "A"}
    other = shuffled(letter, random.Random(seed))
    assert canonical(read, other) == canonical(read, letter)


def test_key_and_nulls_do_not_change_a_request(read, letter: dict[str, Any]) -> None:
    """The key isn't part of what is asked, and null is absent."""
    assert canonical(read, letter | {"request_id": "k", "name": None}) == canonical(read, letter)


def test_time_and_queue_do_not_change_a_request(read, letter: dict[str, Any]) -> None:
    """The same body is the same request however and whenever it comes."""
    document = orjson.loads(orjson.dumps(letter))
    assert decode.canonical_bytes(read(letter, urgent=True).source) == canonical(read, document)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"purpose": "marketing"},
        {"audience": [{"type": "recipients", "items": [{"address": "bob@example.com"}]}]},
        {"messages": [{"subject": "s", "text": "u"}]},
        {"dry_run": True},
    ],
)
def test_any_other_difference_is_another_request(read, letter, change: dict[str, Any]) -> None:
    """A key that comes back with another body is found out."""
    assert canonical(read, letter | change) != canonical(read, letter)
