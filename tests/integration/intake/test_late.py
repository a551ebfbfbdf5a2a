"""`expand: late`: whoever is meant when it is due, and what may happen until then."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.expansion.people import Directory
from tests.integration.intake import office as offices
from tests.integration.intake.counter import ANN, Counter, Document, command
from tests.integration.intake.office import Office

HOUR = timedelta(hours=1)
READERS, LEAVERS = 5, 6


@pytest.fixture
async def office(counter: Counter) -> AsyncIterator[Office]:
    """Everybody on one store; Ann has two lists, and a contact in each."""
    async with offices.opened(counter, counter.means.store) as opened:
        async with counter.means.store.session() as session:
            directory = Directory(session._connection)
            for number in (READERS, LEAVERS):
                contact = await directory.contact(ANN, f"l{number}@x.test")
                await directory.list(ANN, f"list {number}", [contact], number)
        yield opened


def listed(number: int) -> Document:
    """The term of a list."""
    return {"type": "list", "id": number}


async def put(office: Office, *audience: Document, **changes: Any) -> Document:
    """Puts a send to these in an hour, found when it is due; the answer comes at once."""
    delivery = {"not_before": (datetime.now(UTC) + HOUR).isoformat()}
    answer = await office.put(
        **{"audience": [*audience], "expand": "late", "delivery": delivery} | changes
    )
    assert answer is not None
    assert answer["counts"]["requested"] is None
    return answer


async def due(office: Office) -> None:
    """It is due now, and an expander comes by."""
    await office.counter.sql("UPDATE expansion SET due_at = now()")
    await office.expander.look()


async def reached(office: Office) -> list[str]:
    """Who gets a mail."""
    return [row[0] for row in await office.counter.sql("SELECT address FROM delivery ORDER BY 1")]


async def join(office: Office, number: int, address: str, **columns: Any) -> int:
    """A new contact of a list; answers its id."""
    async with office.counter.means.store.session() as session:
        directory = Directory(session._connection)
        contact = await directory.contact(ANN, address, **columns)
        await enter(office, number, contact)
    return contact


async def enter(office: Office, number: int, contact: int) -> None:
    """A contact joins a list."""
    await office.counter.sql(
        "INSERT INTO list_member (list_id, contact_id, source) VALUES ($1, $2, 'api')",
        number,
        contact,
    )


async def test_lists_as_they_are_then(office: Office) -> None:
    """Who joined the list meanwhile gets it; who joined the one that is left out doesn't."""
    await put(office, listed(READERS), exclude=[listed(LEAVERS)])
    await join(office, READERS, "new@x.test")
    await enter(office, LEAVERS, await join(office, READERS, "both@x.test"))
    await due(office)
    assert await reached(office) == ["l5@x.test", "new@x.test"]
    assert await office.job() == ("scheduled", 3, 2)
    assert await office.counter.value("SELECT excluded FROM job") == 1
    [told] = office.counter.heard.of("job.expanded")
    assert (told["counts"]["queued"], told["counts"]["excluded"]) == (2, 1)


async def test_terms_of_every_kind(office: Office) -> None:
    """Lists, contacts by id, a branch and those whom the parcel names: each address once."""
    first = await join(office, LEAVERS, "c1@x.test")
    gone = await join(office, LEAVERS, "c2@x.test")
    named = [{"address": "l5@x.test"}, {"address": "n@x.test"}, {"address": "none"}]
    await put(
        office,
        {"type": "recipients", "items": named},
        listed(READERS),
        {"type": "contacts", "ids": [first, gone, 999_999]},
        {"type": "people", "scope": "children"},
    )
    await office.counter.sql("DELETE FROM list_member WHERE contact_id = $1", gone)
    await office.counter.sql("DELETE FROM contact WHERE id = $1", gone)
    await due(office)
    assert await reached(office) == [
        "a@x.test", "b@x.test", "c1@x.test", "c@x.test", "d@x.test", "l5@x.test", "n@x.test",
    ]  # fmt: skip
    rows = await office.counter.sql(
        "SELECT requested, queued, invalid, duplicate, not_found FROM job"
    )
    assert rows == [(12, 7, 1, 2, 2)]


async def test_a_list_that_is_gone_by_then(office: Office) -> None:
    """Nobody is left to be meant: the job has failed, which is told, and its key is free again."""
    await put(office, listed(READERS))
    await office.counter.sql("DELETE FROM list_member WHERE list_id = $1", READERS)
    await office.counter.sql("DELETE FROM list WHERE id = $1", READERS)
    await due(office)
    assert await office.job() == ("failed", 0, 0)
    [told] = office.counter.heard.of("job.canceled")
    assert [(one["code"], one["field"]) for one in told["errors"]] == [
        ("not_found", "audience[0].id")
    ]
    assert office.counter.heard.of("job.completed")[0]["state"] == "failed"
    assert office.said() == []
    assert await office.counter.value("SELECT count(*) FROM request_seen") == 0


async def test_what_is_due_at_once_is_early(office: Office) -> None:
    """There is nothing to wait for: whoever is there is meant, and the answer has the counts."""
    answer = await office.put(audience=[listed(READERS)], expand="late")
    assert answer is not None
    assert answer["counts"]["queued"] == 1


async def test_it_is_not_found_before_it_is_due(office: Office) -> None:
    """Nobody looks at it until then, also where it waits for a window to open."""
    opens = datetime.now(UTC) + 2 * HOUR
    window = {"from": f"{opens:%H:%M}", "to": f"{opens + HOUR:%H:%M}", "timezone": "UTC"}
    await put(office, listed(READERS), delivery={"send_window": window})
    await office.expander.look()
    assert (await office.job())[0] == "expanding"
    assert await office.counter.value(
        "SELECT e.due_at = j.not_before AND e.due_at > now() + interval '1 hour'"
        " FROM expansion e JOIN job j ON j.id = e.job_id"
    )


async def test_the_first_zone_says_when(office: Office) -> None:
    """At the local time of everybody: it is found before it is noon for the first of them."""
    noon = (datetime.now(UTC) + timedelta(days=3)).replace(hour=12, minute=0)
    local = {"not_before": f"{noon:%Y-%m-%dT%H:%M}", "timezone": "UTC", "recipient_local": True}
    await put(office, listed(READERS), delivery=local)
    early = await office.counter.value("SELECT due_at FROM expansion")
    assert noon.replace(second=0, microsecond=0) - early == timedelta(hours=14)
    await join(office, READERS, "tokyo@x.test", timezone="Asia/Tokyo")
    await due(office)
    waits = await office.counter.value("SELECT due_at FROM retry")
    assert noon.replace(second=0, microsecond=0) - waits == timedelta(hours=9)


async def test_it_is_canceled_before(office: Office) -> None:
    """It has ended with that: nobody is found, and the look for it is over."""
    answer = await put(office, listed(READERS))
    canceled = await office.counter.answer(command("cancel", job=answer["job"]))
    assert (canceled["ok"], canceled["canceled"]) == (True, 0)
    await office.expander.look()
    assert await office.job() == ("canceled", 0, 0)
    assert await office.counter.value("SELECT count(*) FROM expansion") == 0
    assert [one["state"] for one in office.counter.heard.of("job.completed")] == ["canceled"]


async def test_what_is_paused_is_found_and_waits(office: Office) -> None:
    """Whoever is found while it is paused isn't due before it is resumed."""
    answer = await put(office, listed(READERS))
    assert (await office.counter.answer(command("pause", job=answer["job"])))["ok"]
    await due(office)
    assert await office.counter.value("SELECT due_at = 'infinity' FROM batch")
    assert (await office.counter.answer(command("resume", job=answer["job"])))["ok"]
    assert not await office.counter.value("SELECT due_at = 'infinity' FROM batch")
