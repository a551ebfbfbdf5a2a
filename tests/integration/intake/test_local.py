"""`recipient_local`: a due time that is read on the clock of whoever gets the mail."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.integration.expansion.people import Directory
from tests.integration.intake.counter import ANN, Counter, Document, command, send

HOUR = timedelta(hours=1)
NOON = (datetime.now(UTC) + timedelta(days=30)).replace(hour=12, minute=0, second=0, microsecond=0)
ZONES = {
    "m": "Europe/Minsk", "t": "Asia/Tokyo", "n": "America/New_York", "h": "Etc/GMT+12",
    "none": None, "odd": "Mars/Base",
}  # fmt: skip


@pytest.fixture
async def friends(counter: Counter) -> list[int]:
    """Ann's contacts, each in another zone."""
    async with counter.means.store.session() as session:
        directory = Directory(session._connection)
        return [
            await directory.contact(ANN, f"{name}@x.test", timezone=zone)
            for name, zone in ZONES.items()
        ]


def letter(friends: list[int], *, at: datetime = NOON, **delivery: Any) -> Document:
    """A send to all of them at noon in Minsk, and to somebody whom it names itself."""
    terms = [
        {"type": "contacts", "ids": friends},
        {"type": "recipients", "items": [{"address": "self@x.test"}]},
    ]
    given = {
        "not_before": f"{at:%Y-%m-%dT%H:%M}", "timezone": "Europe/Minsk", "recipient_local": True,
        "expires_after": "1h",
    }  # fmt: skip
    return send(request_id="l") | {"audience": terms, "delivery": given | delivery}


async def dues(counter: Counter) -> dict[str, datetime]:
    """When each of them is due."""
    rows = await counter.sql(
        "SELECT split_part(d.address, '@', 1), coalesce(r.due_at, b.due_at) FROM delivery d"
        " JOIN batch b ON b.id = d.id / 512"
        " LEFT JOIN retry r ON r.batch_id = b.id AND r.position = d.id % 512"
    )
    return dict(rows)  # type: ignore[arg-type]


def noon(zone: str | None) -> datetime:
    """Noon of that day there; in Minsk for whoever has no zone that we know."""
    known = ZoneInfo(zone if zone and zone != "Mars/Base" else "Europe/Minsk")
    return NOON.replace(tzinfo=known).astimezone(UTC)


async def test_at_noon_wherever_one_is(counter: Counter, friends: list[int]) -> None:
    """Who has a zone is due at noon there, everybody else at noon in the request's zone."""
    answer = await counter.answer(letter(friends))
    assert answer["counts"]["queued"] == 7
    expected = {name: noon(zone) for name, zone in (ZONES | {"self": None}).items()}
    assert await dues(counter) == expected
    rows = await counter.sql("SELECT state, done FROM batch")
    assert sorted(rows[0][0]) == list("ddddwww")
    assert await counter.value("SELECT sum(attempt) FROM retry") == 0
    # nobody's time is over before the last zone has had its hour
    assert await counter.value("SELECT expires_at FROM job") == noon("Etc/GMT+12") + HOUR


async def test_where_it_is_past(counter: Counter, friends: list[int]) -> None:
    """Where the time has gone by already it is due at once."""
    now = datetime.now(ZoneInfo("Europe/Minsk"))
    await counter.put(letter(friends, at=now + 2 * HOUR))
    found = await dues(counter)
    assert found["t"] <= datetime.now(UTC) < found["m"] < found["n"]


async def test_a_pause_forgets_no_time(counter: Counter, friends: list[int]) -> None:
    """Resumed, everyone is due at his time again; a job accepted in the meantime too."""
    await counter.put(command("pause", customer=ANN))
    job = (await counter.answer(letter(friends)))["job"]
    assert {due.year for due in (await dues(counter)).values()} == {9999}
    await counter.put(command("resume", customer=ANN))
    expected = {name: noon(zone) for name, zone in (ZONES | {"self": None}).items()}
    for _ in range(2):
        assert await dues(counter) == expected
        await counter.put(command("pause", job=job))
        await counter.put(command("resume", job=job))


async def test_it_is_not_moved_as_a_whole(counter: Counter, friends: list[int]) -> None:
    """Each has a time of his own; one of them can be moved."""
    job = (await counter.answer(letter(friends)))["job"]
    moved = command("reschedule", not_before=NOON.isoformat())
    answer = await counter.answer(moved | {"job": job})
    assert answer["errors"][0]["code"] == "state.conflict"
    first = await counter.value("SELECT id FROM delivery WHERE address = 't@x.test'")
    assert (await counter.answer(moved | {"delivery": first}))["moved"] == 1
    assert (await dues(counter))["t"] == NOON


async def test_a_resume_sends_nothing_moved_too_early(counter: Counter) -> None:
    """A delivery that was rescheduled by itself keeps its time over a pause."""
    job = (await counter.answer(send("a@x.test", "b@x.test")))["job"]
    first = await counter.value("SELECT min(id) FROM delivery")
    due = datetime.now(UTC) + HOUR
    await counter.put(command("reschedule", delivery=first, not_before=due.isoformat()))
    await counter.put(command("pause", job=job))
    await counter.put(command("resume", job=job))
    assert await counter.value("SELECT due_at FROM retry") == due
