"""What a plan allows: what waiting helps is told apart from what it doesn't."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mail import limits
from daemon.mail.limits import DAY, MINUTE, MONTH, Limits, Usage, Use

NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)


def used(**recipients: int) -> dict[tuple[int, str], Usage]:
    """What customer 7 has used; of the minute, requests."""
    return {
        (7, period): Usage(
            requests=recipients.get(MINUTE, 0), recipients=recipients.get(period, 0), ends=NOW
        )
        for period in (MINUTE, DAY, MONTH)
    }


def use(
    allowed: Limits, queued: int = 1, *, asked: int | None = None, is_request: bool = True
) -> Use:
    """A send of his."""
    number = queued if asked is None else asked
    return Use(UUID(int=1), 7, allowed, number, queued, is_request)


@pytest.mark.parametrize(
    ("allowed", "one", "before", "code"),
    [
        (Limits(), (10**6, None), {}, None),
        (Limits(per_job=5), (5, None), {}, None),
        (Limits(per_job=5), (1, 6), {}, "forbidden.plan"),
        (Limits(per_day=5), (6, None), {}, "forbidden.plan"),
        (Limits(per_month=5), (6, None), {}, "forbidden.plan"),
        (Limits(per_day=5), (2, None), {DAY: 3}, None),
        (Limits(per_day=5), (3, None), {DAY: 3}, "rate.limited"),
        (Limits(per_month=5), (3, None), {MONTH: 3}, "rate.limited"),
        (Limits(per_day=5, per_month=9), (3, None), {DAY: 0, MONTH: 7}, "rate.limited"),
        (Limits(requests_per_minute=3), (1, None), {MINUTE: 2}, None),
        (Limits(requests_per_minute=3), (1, None), {MINUTE: 3}, "rate.limited"),
        (Limits(requests_per_minute=0), (0, None), {}, "rate.limited"),
        (Limits(per_day=0), (0, None), {}, None),
    ],
)
def test_what_is_allowed(
    allowed: Limits, one: tuple[int, int | None], before: dict[str, int], code: str | None
) -> None:
    """Up to the limit and no further."""
    queued, asked = one
    found = limits.refusal(use(allowed, queued, asked=asked), used(**before))
    assert (found.code if found else None) == code


def test_a_frame_is_no_request() -> None:
    """It counts by its recipients only."""
    allowed = Limits(requests_per_minute=0, per_day=5)
    assert limits.refusal(use(allowed, 5, is_request=False), used()) is None
    usage = used()
    limits.count(use(allowed, 5, is_request=False), usage)
    assert (usage[7, MINUTE].requests, usage[7, DAY].recipients) == (0, 5)


def test_until_when_is_said() -> None:
    """Whoever may come again hears when, and how much is left."""
    found = limits.refusal(use(Limits(per_day=5), 3), used(day=3))
    assert found
    assert found.message == "the plan allows 5 recipients a day, 2 more until 2026-11-26T10:00:00Z"


@given(
    sizes=st.lists(st.integers(0, 9), max_size=30),
    per_day=st.integers(0, 40),
    per_minute=st.integers(0, 20),
)
def test_never_more_than_that(sizes: list[int], per_day: int, per_minute: int) -> None:
    """Whatever comes, what was allowed together keeps every limit; a smaller one may still fit."""
    allowed = Limits(per_day=per_day, requests_per_minute=per_minute)
    usage, taken = used(), list[int]()
    for size in sizes:
        one = use(allowed, size)
        if limits.refusal(one, usage) is None:
            limits.count(one, usage)
            taken.append(size)
        else:
            assert len(taken) == per_minute or sum(taken) + size > per_day
    assert (usage[7, MINUTE].requests, usage[7, DAY].recipients) == (len(taken), sum(taken))
    assert len(taken) <= per_minute
    assert sum(taken) <= per_day


def test_there_are_some_or_none() -> None:
    """A plan that limits nothing costs nothing."""
    assert not Limits()
    assert all(map(bool, (Limits(per_job=0), Limits(per_day=0), Limits(requests_per_minute=0))))
