"""Which requests go together."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daemon.broker.parcel import Parcel
from daemon.intake import groups
from daemon.intake.ask import Ask, Back
from daemon.intake.groups import Pair
from daemon.mail.request import decode
from daemon.mail.request.decode import Decoded
from daemon.mail.request.parcel import Label
from daemon.mail.request.rules import Setting
from daemon.store.directory import Customer

_NOW = datetime(2030, 1, 1, tzinfo=UTC)
_PARCEL = Parcel(
    body=b"", size=0, queue="", session=1, tag=1, routing_key="", redelivered=False, headers={}
)


def _pair(*, key: str | None = None, number: int = 1, again: bool = False, **changes: Any) -> Pair:
    document = {
        "v": 1,
        "command": "send",
        "audience": [{"type": "recipients", "items": [{"address": "a@x.test"}] * number}],
        "messages": [{"subject": "s", "text": "t"}],
        "request_id": key,
    }
    found = decode.native(json.dumps(document | changes).encode(), Label(), Setting(now=_NOW))
    assert isinstance(found, Decoded), found
    ask = Ask(
        customer=Customer(id=1, name="", timezone="UTC", status="active"),
        decoded=found,
        back=Back(),
        request_id=key,
        body_hash=b"",
        plain=b"",
        redelivered=again,
    )
    return Pair(_PARCEL, ask)


def _sizes(pairs: list[Pair], limit: int = 100) -> list[int]:
    return [len(group) for group in groups.of(pairs, limit=limit)]


def test_sends_go_together() -> None:
    """Sends with different keys, or with none, are one group."""
    assert _sizes([_pair(key="a"), _pair(key="b"), _pair(), _pair()]) == [4]


def test_the_same_key_waits_for_the_next_group() -> None:
    """What may be a repeat comes after what it may repeat."""
    assert _sizes([_pair(key="a"), _pair(key="b"), _pair(key="a"), _pair(key="c")]) == [2, 2]


def test_a_group_is_not_too_large() -> None:
    """A transaction stays short, but a single parcel may be as large as it is."""
    assert _sizes([_pair(number=60), _pair(number=40), _pair(number=1), _pair(number=200)]) == [
        2, 1, 1,
    ]  # fmt: skip


def test_what_is_special_goes_alone() -> None:
    """Open and redelivered sends, rehearsals and other commands, after the others."""
    special = [_pair(key="o", open=True), _pair(again=True), _pair(dry_run=True)]
    made = list(groups.of([*special, _pair(), _pair()], limit=100))
    assert [len(group) for group in made] == [2, 1, 1, 1]
    assert [group[0] for group in made[1:]] == special


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(1, 9), st.booleans())),
    st.integers(1, 20),
)
def test_nobody_is_lost_and_no_key_is_there_twice(
    wanted: list[tuple[str | None, int, bool]], limit: int
) -> None:
    """Every parcel is in exactly one group; no group has a key twice, or too many recipients."""
    pairs = [
        Pair(replace(_PARCEL, tag=tag), _pair(key=key, number=number, again=again).ask)
        for tag, (key, number, again) in enumerate(wanted)
    ]
    made = list(groups.of(pairs, limit=limit))
    assert sorted(pair.parcel.tag for group in made for pair in group) == list(range(len(wanted)))
    for group in made:
        keys = [pair.ask.key for pair in group if pair.ask.key]
        assert len(keys) == len(set(keys))
        size = sum(len(pair.ask.request.audience[0].items) for pair in group)
        assert len(group) == 1 or size <= limit


def _again(count: int) -> Parcel:
    return replace(_PARCEL, redelivered=True, delivery_count=count)


def test_what_came_back_goes_alone() -> None:
    """What is new is read together; what came back alone and in order, suspects after everybody."""
    first, second, suspect = _again(1), _again(2), _again(3)
    found = groups.servings([suspect, first, _PARCEL, second, _PARCEL], Random(1))
    assert list(found) == [[first], [second], [_PARCEL, _PARCEL], [suspect]]


def test_suspects_in_any_order() -> None:
    """Whoever kills us isn't always before the same others."""
    suspects = [replace(_again(9), tag=tag) for tag in range(5)]
    firsts = {next(groups.servings(suspects, Random(seed)))[0].tag for seed in range(50)}
    assert firsts == {0, 1, 2, 3, 4}


@given(st.lists(st.integers(0, 2 * groups.HEAVY), max_size=12))
def test_what_is_read_together_is_light(weights: list[int]) -> None:
    """Frames of a campaign: all of them, in order, never more than so many octets or one parcel."""
    parcels = [replace(_PARCEL, body=bytes(weight), tag=tag) for tag, weight in enumerate(weights)]
    servings = list(groups.servings(parcels, Random(1)))
    assert [parcel for serving in servings for parcel in serving] == parcels
    for serving in servings:
        assert len(serving) == 1 or sum(len(one.body) for one in serving) <= groups.HEAVY
