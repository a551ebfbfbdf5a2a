"""The terms of an audience: the whole matrix of requirements 2.2, and what none of them may be."""

from typing import Any

import pytest

from daemon.mail.refusal import Refused
from daemon.mail.request.audience import Billing, Contacts, Me, Members, People
from daemon.mail.request.decode import Decoded
from daemon.mail.request.rules import Class
from daemon.mail.request.send import Send


def terms(read: Any, letter: dict[str, Any], *given: dict[str, Any], **more: Any) -> Send:
    """The send that these terms make."""
    answer = read(letter | {"audience": [*given]} | more)
    assert isinstance(answer, Decoded), answer
    assert isinstance(answer.request, Send)
    return answer.request


@pytest.mark.parametrize("scope", ["self", "children", "descendants"])
def test_people_and_billing_contacts_of_every_scope(read, letter, scope: str) -> None:
    """Every cell of the matrix can be asked for, also those that no dialect reaches."""
    send = terms(
        read, letter, {"type": "people", "scope": scope}, {"type": "billing", "scope": scope}
    )
    assert send.audience == (People(scope=scope), Billing(scope=scope))  # type: ignore[arg-type]


def test_all_other_kinds(read, letter) -> None:
    """Me, lists by id and by name, contacts by id; several of a kind are a union."""
    lists = ({"type": "list", "id": 5}, {"type": "list", "name": "Friends"})
    send = terms(read, letter, {"type": "me"}, *lists, {"type": "contacts", "ids": [3, 1, 3]})
    assert send.audience == (
        Me(), Members(id=5), Members(name="Friends"), Contacts(ids=(3, 1, 3)),
    )  # fmt: skip


def test_whoever_is_left_out(read, letter) -> None:
    """`exclude` takes the same terms, those that name people literally among them."""
    given = [
        {"type": "list", "id": 5},
        {"type": "recipients", "items": [{"address": "a@b.example"}]},
    ]
    send = terms(read, letter, {"type": "people", "scope": "self"}, exclude=given)
    assert [term.type for term in send.exclude] == ["list", "recipients"]


@pytest.mark.parametrize(
    ("term", "fault"),
    [
        ({"type": "people"}, ("param.missing", "audience[0].scope")),
        ({"type": "people", "scope": "all"}, ("param.invalid", "audience[0].scope")),
        ({"type": "billing", "scope": ["self"]}, ("param.invalid", "audience[0].scope")),
        ({"type": "billing", "scope": "self", "id": 1}, ("param.invalid", "audience[0].id")),
        ({"type": "me", "scope": "self"}, ("param.invalid", "audience[0].scope")),
        ({"type": "list"}, ("param.invalid", "audience[0]")),
        ({"type": "list", "id": 5, "name": "x"}, ("param.invalid", "audience[0]")),
        ({"type": "list", "id": "5"}, ("param.invalid", "audience[0].id")),
        ({"type": "list", "id": 0}, ("param.invalid", "audience[0].id")),
        ({"type": "contacts"}, ("param.missing", "audience[0].ids")),
        ({"type": "contacts", "ids": []}, ("param.invalid", "audience[0].ids")),
        ({"type": "contacts", "ids": [True]}, ("param.invalid", "audience[0].ids[0]")),
        ({"type": "contacts", "ids": [1] * 5001}, ("param.invalid", "audience[0].ids")),
    ],
)
def test_what_a_term_may_not_be(faults, letter, term: Any, fault: tuple[str, str]) -> None:
    """Each fault of a term is named where it stands."""
    assert faults(letter | {"audience": [term]}) == {fault}
    elsewhere = fault[1].replace("audience", "exclude")
    assert faults(letter | {"exclude": [term]}) == {(fault[0], elsewhere)}


def test_an_unknown_kind_is_told_which_there_are(read, letter) -> None:
    """The message names the kinds of terms."""
    answer = read(letter | {"audience": [{"type": "everyone"}]})
    assert isinstance(answer, Refused)
    assert "recipients, people, billing, me, contacts, list" in answer.faults[0].message


def test_too_many_terms(faults, letter) -> None:
    """A hundred terms are enough for anybody, in either field."""
    many = [{"type": "me"}] * 101
    told = faults(letter | {"audience": many, "exclude": many})
    assert told == {("too_large", "audience"), ("too_large", "exclude")}


def test_an_open_job_leaves_nobody_out(faults, letter) -> None:
    """Frames bring whom their sender names: `exclude` beside `open` would be without effect."""
    asked = letter | {"open": True, "exclude": [{"type": "me"}]}
    assert faults(asked) == {("param.invalid", "exclude")}


@pytest.mark.parametrize("more", [{"open": True}, {"expand": "late"}])
def test_a_list_is_made_at_once(faults, letter, more: dict[str, Any]) -> None:
    """Q19: lists are made at acceptance: not while frames may come, nor at the due time."""
    asked = letter | {"create_list": {"name": "News"}}
    assert faults(asked) == set()
    assert faults(asked | more) == {("param.invalid", "create_list")}
    assert faults(letter | {"create_list": {"name": ""}}) == {("param.invalid", "create_list.name")}


@pytest.mark.parametrize(
    ("term", "klass"),
    [
        ({"type": "people", "scope": "descendants"}, Class.BULK),
        ({"type": "list", "id": 5}, Class.BULK),
        ({"type": "people", "scope": "children"}, Class.NORMAL),
        ({"type": "me"}, Class.NORMAL),
        ({"type": "contacts", "ids": [1]}, Class.NORMAL),
    ],
)
def test_a_whole_branch_or_list_is_bulk(read, letter, term: dict[str, Any], klass: Class) -> None:
    """What can be any number of people stands back behind what can't, unless it names a class."""
    assert terms(read, letter, term).class_ is klass
    assert terms(read, letter, term, **{"class": "urgent"}).class_ is Class.URGENT


def test_variables_that_people_bring_are_not_missed(read, letter) -> None:
    """People bring their names; what contacts bring nobody can know before; the rest is told."""
    letter["messages"][0]["text"] = "{{ first_name }} {{ shoe_size }}"
    told = read(letter | {"audience": [{"type": "people", "scope": "self"}]})
    assert [notice.message for notice in told.notices] == [
        "no recipient brings the variable `shoe_size`"
    ]
    assert read(letter | {"audience": [{"type": "list", "id": 5}]}).notices == ()


def test_a_message_for_people_has_its_own_content(faults, letter) -> None:
    """Nobody in a directory brings a subject or a body of his own."""
    del letter["messages"][0]["subject"]
    asked = letter | {"audience": [{"type": "people", "scope": "self"}]}
    assert faults(asked) == {("param.missing", "messages[0].subject")}
