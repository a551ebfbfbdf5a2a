"""`send_window` and `too_late`: what is read, and what is refused."""

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest

from daemon.mail.request import windows
from daemon.mail.request.decode import Decoded

OFFICE = {"days": ["mon", "fri"], "from": "09:00", "to": "17:30", "timezone": "Europe/Minsk"}


def test_a_window(read: Callable[..., Any], letter: dict[str, Any]) -> None:
    """Days, hours and a zone are read, and can be kept and read again."""
    letter["delivery"] = {"send_window": OFFICE, "too_late": "10d"}
    answer = read(letter)
    assert isinstance(answer, Decoded)
    delivery = answer.request.delivery
    assert delivery.too_late == 864_000
    found = delivery.wish.window
    assert found.days == frozenset({0, 4})
    assert (found.opens, found.closes, found.zone.key) == (time(9), time(17, 30), "Europe/Minsk")
    assert windows.kept(delivery.send_window.stored) == delivery.send_window


def test_days_may_be_left_out(read: Callable[..., Any], letter: dict[str, Any]) -> None:
    """Then it opens on all of them; seconds may be told, and the end of the day."""
    letter["delivery"] = {"send_window": {"from": "09:00:30", "to": "24:00", "timezone": "UTC"}}
    found = read(letter).request.delivery.wish.window
    assert found.days == frozenset(range(7))
    assert (found.opens, found.closes) == (time(9, 0, 30), time())


def test_a_closed_window_is_told(read: Callable[..., Any], letter: dict[str, Any]) -> None:
    """Whoever is accepted while it is closed hears when it opens: on Monday, at nine in Minsk."""
    letter["delivery"] = {"send_window": OFFICE}
    (notice,) = read(letter).notices
    assert notice.field == "delivery.send_window"
    assert "2030-06-03T06:00:00+00:00" in notice.message
    letter["delivery"]["not_before"] = "2030-06-03T10:00:00+03:00"
    assert read(letter).notices == ()


@pytest.mark.parametrize(
    ("window", "fields"),
    [
        ({}, {"from", "to", "timezone"}),
        ({"days": []}, {"days"}),
        ({"days": ["monday"]}, {"days[0]"}),
        ({"days": "mon"}, {"days"}),
        ({"from": "9:00"}, {"from"}),
        ({"from": "24:00"}, {"from"}),
        ({"from": 9}, {"from"}),
        ({"to": "24:01"}, {"to"}),
        ({"to": "09:00"}, {""}),
        ({"from": "\u0660\u0669:\u0660\u0660"}, {"from"}),
        ({"timezone": "Europe/Nowhere", "to": "25:00"}, {"timezone", "to"}),
        ({"hours": "9-17"}, {"hours"}),
    ],
)
def test_refused(
    faults: Callable[..., set[tuple[str, str]]],
    letter: dict[str, Any],
    window: dict[str, Any],
    fields: set[str],
) -> None:
    """Every fault is told at its field, several at once; what is missing too."""
    letter["delivery"] = {"send_window": OFFICE | window if window else {}}
    places = {f"delivery.send_window.{field}".rstrip(".") for field in fields}
    assert {field for _, field in faults(letter)} == places


@pytest.mark.parametrize("given", [0, -1, "1w", "", True, 367 * 86_400, 1.5])
def test_too_late_is_a_length_of_time(
    faults: Callable[..., set[tuple[str, str]]], letter: dict[str, Any], given: object
) -> None:
    """As any other: from a second up to a year."""
    letter["delivery"] = {"too_late": given}
    assert faults(letter) == {("param.invalid", "delivery.too_late")}


def test_spread_over(read: Callable[..., Any], letter: dict[str, Any]) -> None:
    """A length of time as any other, in the wish for when it goes out."""
    letter["delivery"] = {"spread_over": "8h"}
    assert read(letter).request.delivery.wish.spread_over == 8 * 3600


def test_no_spread_of_an_open_job(
    faults: Callable[..., set[tuple[str, str]]], letter: dict[str, Any]
) -> None:
    """How many there will be isn't known, so nothing can be spread evenly: refused by name."""
    letter |= {"open": True, "delivery": {"spread_over": "8h"}}
    assert faults(letter) == {("param.invalid", "delivery.spread_over")}


def test_recipient_local(read: Callable[..., Any], letter: dict[str, Any]) -> None:
    """The time on the wall is what is meant, wherever somebody is."""
    letter["audience"] = [{"type": "list", "id": 5}]
    letter["delivery"] = {
        "not_before": "2030-07-01T09:00", "timezone": "Europe/Minsk", "recipient_local": True
    }  # fmt: skip
    wish = read(letter).request.delivery.wish
    assert f"{wish.local:%Y-%m-%d %H:%M}" == "2030-07-01 09:00"
    assert wish.local.tzinfo is None
    del letter["delivery"]["recipient_local"]
    assert read(letter).request.delivery.wish.local is None


@pytest.mark.parametrize(
    ("audience", "delivery", "fields"),
    [
        ({"type": "list", "id": 5}, {"not_before": "2030-07-01T09:00:00Z"}, {"recipient_local"}),
        ({"type": "list", "id": 5}, {}, {"recipient_local"}),
        (
            {"type": "people", "scope": "self"},
            {"not_before": "2030-07-01T09:00", "timezone": "UTC"},
            {"recipient_local"},
        ),
        (
            {"type": "contacts", "ids": [1]},
            {"not_before": "2030-07-01T09:00", "timezone": "UTC", "too_late": 5,
             "spread_over": 5, "send_window": OFFICE},
            {"too_late", "spread_over", "send_window"},
        ),
    ],
)  # fmt: skip
def test_no_local_time(
    faults: Callable[..., set[tuple[str, str]]],
    letter: dict[str, Any],
    audience: dict[str, Any],
    delivery: dict[str, Any],
    fields: set[str],
) -> None:
    """Without a local time, without anybody who has a zone, or beside what is told for one time."""
    letter |= {"audience": [audience], "delivery": delivery | {"recipient_local": True}}
    assert faults(letter) == {("param.invalid", f"delivery.{field}") for field in fields}
