"""The contacts of a parcel: each is judged by itself, and its neighbours go in."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mail.request import contacts
from daemon.mail.request.contacts import Contacts
from daemon.mail.request.findings import Findings
from daemon.mail.request.recipients import Reading, Spelling
from daemon.mail.request.rules import Rules, Setting

NOW = datetime(2030, 6, 1, 12, 0, tzinfo=UTC)
ANN = {"address": "Ann@X.example"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["address", "phone_number", "first_name", "custom", "timezone", "colour"])


def read(*items: Any) -> Contacts:
    """The contacts of a list that is fit."""
    setting = Setting(now=NOW, urgent=False, rules=Rules())
    reading = Reading(findings=Findings(), setting=setting, spelling=Spelling(b""))
    found = contacts.read(list(items), reading, "contacts")
    assert not reading.findings
    return found


def test_a_contact_has_its_forms() -> None:
    """Values are as the database takes them, what is blank is absent, an address has its forms."""
    [one] = read(ANN | {"first_name": "Ann", "last_name": "", "custom": {"n": 5}}).sound
    assert one.values == {
        "address": "Ann@X.example",
        "norm": "Ann@x.example",
        "supp": "ann@x.example",
        "domain": "x.example",
        "first_name": "Ann",
        "custom": {"n": "5"},
    }


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({}, "needs an address or a phone_number"),
        ({"address": " "}, "needs an address or a phone_number"),
        ({"address": "bad@@x.example"}, "address: must be one address such as"),
        ({"address": 5}, "address: must be text"),
        (ANN | {"first_name": "a\nb"}, "first_name: must be one line"),
        (ANN | {"timezone": "Mars/Base"}, "timezone: must be a time zone"),
        (ANN | {"custom": {str(n): "" for n in range(31)}}, "custom: must have at most 30 fields"),
        (ANN | {"colour": "red"}, "has a field that isn't among address, phone_number, "),
        (ANN | {"id": 5}, "has a field that isn't among"),
        ("ann@x.example", "must be an object"),
        ({"address": "Ann@x.EXAMPLE"}, "is the same contact as contacts[0]"),
    ],
)
def test_a_bad_one_hinders_nobody(item: Any, message: str) -> None:
    """It is told of by its place, with what would have been right, and the others are there."""
    found = read(ANN, item, {"phone_number": "1"})
    assert [one.place for one in found.sound] == [0, 2]
    [wrong] = found.wrong
    assert wrong.place == 1
    assert wrong.message.startswith(message)


@given(items=st.lists(st.dictionaries(NAMES, JSON, max_size=4) | JSON, min_size=1, max_size=6))
def test_each_is_sound_or_wrong(items: list[Any]) -> None:
    """Whatever is given, every place is told of once, and nothing is raised."""
    found = read(*items)
    places = [one.place for one in (*found.sound, *found.wrong)]
    assert sorted(places) == list(range(len(items)))


def test_most() -> None:
    """500 come in at once."""
    many = [{"address": f"{n}@x.example"} for n in range(contacts.MOST)]
    assert len(read(*many).sound) == contacts.MOST
