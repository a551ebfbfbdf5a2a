"""One look of `top`: as a document, as text, and why a lane goes no faster."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest

from daemon.cli import blocks, dashboard
from daemon.cli.blocks import Table
from daemon.cli.watching import Seen
from daemon.store.live import Class, Lane, Trouble
from daemon.store.operator import Instance

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
LANE = Lane(
    id=1, transport="Relay", host="mx.example", port=25, active=True, site="", max_connections=20,
    max_per_second=0.0, granted=8, claimed=500, flying=8, ready=1_000, paced=0.0,
)  # fmt: skip
INSTANCE = Instance(
    id=UUID(int=1), name="a", host="h", version="1", started_at=NOW - timedelta(hours=1),
    alive=True, draining=False, brake="", lease_left=20.0, batches=1, retries=0, connections=8,
    untold=3,
)  # fmt: skip
TROUBLE = Trouble(
    at=NOW, type="delivery.bounced", job_id=UUID(int=2), delivery_id=5121, attempt=1, code=550,
    enhanced="5.1.1", text="No such user", relay="mx.example:25", data={},
)  # fmt: skip
SEEN = Seen(
    at=NOW, seconds=2.0, happened={"delivery.sent": 4_000, "job.accepted": 3}, told=100, untold=3,
    classes=[Class(klass=2, count=1_000, oldest=NOW - timedelta(minutes=3), is_more=True)],
    due_next=None, lanes=[LANE], instances=[INSTANCE], troubles=[TROUBLE], doubts=0,
)  # fmt: skip
NOTHING = replace(SEEN, happened={}, classes=[], lanes=[], instances=[], troubles=[])


def text(seen: Seen) -> str:
    """The look as plain text."""
    return "\n".join(blocks.lines(dashboard.view(seen)))


def test_doubts_ask_for_somebody() -> None:
    """Whatever waits for a person's decision is on the screen, with where to look."""
    assert "in doubt" not in text(SEEN)
    assert "3 wait for a decision: deliveryd doubt list" in text(replace(SEEN, doubts=3))
    assert "1,000+ wait" in text(replace(SEEN, doubts=1000))


def test_rates_are_a_second() -> None:
    """What happened between two looks is told by the second, in both forms."""
    document = orjson.loads(orjson.dumps(dashboard.document(SEEN)))
    assert document["per_second"]["sent"] == 2000.0
    assert document["per_second"]["accepted"] == 1.5
    assert document["per_second"]["told"] == 50.0
    assert (document["in_flight"], document["classes"][0]["class"]) == (8, "bulk")
    assert "2,000 sent" in text(SEEN)


def test_everything_is_on_the_page() -> None:
    """Class, lane, instance and trouble are there, each with what is known of it."""
    said = text(SEEN)
    for part in ("1,000+", "3 min ago", "8/20", "flowing", "alive", "550 5.1.1 No such user"):
        assert part in said


def test_nothing_at_all() -> None:
    """An empty house is a page as well, and says what it lacks and when something is due."""
    said = text(replace(NOTHING, due_next=NOW + timedelta(hours=1)))
    for part in ("nothing is due and waits; next due", "no lane", "no instance", "no trouble"):
        assert part in said


@pytest.mark.parametrize(
    ("lane", "instance", "why"),
    [
        ({}, {}, "flowing"),
        ({"flying": 0}, {}, "about to start"),
        ({"ready": 0, "claimed": 0}, {}, ""),
        ({"granted": 20}, {}, "all its connections are in use"),
        ({"paced": 3.0, "max_per_second": 10.0}, {}, "at its rate of 10/s"),
        ({"active": False}, {}, "its transport is not in use"),
        ({}, {"alive": False}, "no instance is alive"),
        ({}, {"brake": "journal: full"}, "no instance starts anything"),
        ({}, {"draining": True}, "no instance starts anything"),
    ],
)
def test_why_a_lane_waits(lane: dict[str, object], instance: dict[str, object], why: str) -> None:
    """Each reason that is known of a lane has its words."""
    seen = replace(SEEN, instances=[replace(INSTANCE, **instance)])
    assert dashboard.why(replace(LANE, **lane), seen) == why


def test_a_relay_that_fails_is_named() -> None:
    """A lane that stands still since its relay can't be reached says so, and not for ever."""
    told = {"reason": "connect", "why": "timed out"}
    down = replace(TROUBLE, type="delivery.deferred", code=None, data=told)
    still = replace(LANE, flying=0)
    assert (
        dashboard.why(still, replace(SEEN, troubles=[down]))
        == "its relay fails: no connection: timed out"
    )
    old = replace(down, at=NOW - timedelta(hours=1))
    assert dashboard.why(still, replace(SEEN, troubles=[old])) == "about to start"
    assert dashboard.why(LANE, replace(SEEN, troubles=[down])) == "flowing"


def test_a_brake_is_shown() -> None:
    """An instance that starts nothing shows why."""
    tables = [
        block
        for block in dashboard.view(replace(SEEN, instances=[replace(INSTANCE, brake="full")]))
        if isinstance(block, Table)
    ]
    assert any("braked: full" in str(cell) for row in tables[2].rows for cell in row)
