"""Directory and suppressions change while a large audience is found and sent to."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from tests.stories import asks
from tests.stories.house import ONE_LOOP, House
from tests.stories.producer import Asked

pytestmark = [ONE_LOOP, pytest.mark.timeout(300)]

MEMBERS, NEAR, FAR = 5_000, 15_000, 3_000
"""Contacts in the list, people of customer 11, and of customer 12 below him."""
FRESH, GONE = 2_000, 1_000
"""Who is new at customer 12 in the second import, and has retired at 11 by the third one."""
AUDIENCE = [{"type": "list", "name": "Friends"}, {"type": "people", "scope": "children"}]
SLACK = 1.0
"""Seconds between a start and what the sink notes of it, on a machine that has much else to do."""


def _member(number: int) -> str:
    return f"c{number:05}@there.test"


def _person(number: int) -> str:
    return f"p{number:05}@there.test"


EVERYONE = [*map(_member, range(MEMBERS)), *map(_person, range(NEAR))]
"""Whom all news go to, in the order of their addresses, which is that of sending."""
LAST = range(NEAR - GONE, NEAR)
"""Who retires."""


async def _imported(house: House, folder: Path, **files: Iterable[str]) -> float:
    """Brings files of these lines into the directory; when it was done."""
    _written(folder, files)
    code, done = await house.typed("directory", "import", str(folder))
    assert code == 0, done
    return time.time()


def _written(folder: Path, files: Mapping[str, Iterable[str]]) -> None:
    folder.mkdir()
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join((*lines, "")))


def _people(numbers: Iterable[int]) -> Iterable[str]:
    yield "id,customer_id,forename,addresses"
    for number in numbers:
        yield f"{number + 1},{11 if number < NEAR else 12},N{_person(number)},{_person(number)}"


def _retired(numbers: Iterable[int]) -> Iterable[str]:
    yield "id,customer_id,retired"
    for number in numbers:
        yield f"{number + 1},{11 if number < NEAR else 12},true"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowd(home: House) -> AsyncIterator[House]:
    """Two instances, and all of them in the directory: too many to be found within an accept."""
    await home.start()
    contacts = (f"1,{one},N{one}" for one in map(_member, range(MEMBERS)))
    await _imported(
        home,
        home.folder / "first",
        customer=("id,parent_id,name", "11,1,Near", "12,11,Far"),
        person=_people(range(NEAR + FAR)),
        contact=("customer_id,address,first_name", *contacts),
        list=("id,customer_id,name", "5,1,Friends"),
        list_member=("list_id,address", *(f"5,{_member(one)}" for one in range(MEMBERS))),
    )
    yield home


async def test_an_import_in_the_middle(crowd: House) -> None:
    """Whoever is meant is found as it was before an import or after it, and never in between."""
    fresh = range(NEAR + FAR, NEAR + FAR + FRESH)
    later = {"not_before": asks.later(3600)}

    async def ask() -> Asked:
        body = asks.send([], audience=AUDIENCE[1:], act_as_customer=11, delivery=later)
        return await crowd.producer.ask(body)

    asked = [await ask()]
    async with asyncio.TaskGroup() as tasks:
        folder = crowd.folder / "second"
        coming = tasks.create_task(_imported(crowd, folder, person=_people(fresh)), name="import")
        while not coming.done():
            asked.append(await ask())
    asked.append(await ask())
    numbers = [one.done["counts"]["queued"] for one in asked]
    assert numbers == sorted(numbers)
    assert set(numbers) == {FAR, FAR + FRESH}
    for one, number in zip(asked, numbers, strict=True):
        one.meant = _meant(map(_person, range(NEAR, NEAR + number)))
        await crowd.producer.ask(asks.command("cancel", job=one.job))
    await crowd.balance()


async def test_people_leave_meanwhile(crowd: House) -> None:
    """Nobody's mail starts after the answer that he has left, or once he has retired; sums hold.

    They leave while the audience is found and while it is sent; everyone else gets one mail.
    """
    await crowd.sink.do("slow", ms=4)
    news = asks.send([], audience=AUDIENCE, purpose="marketing", **{"class": "normal"})
    asked = await crowd.producer.tell(news, wants_answer=True)
    async with asyncio.TaskGroup() as tasks:
        waves = [tasks.create_task(_leave(crowd, EVERYONE[100::1_600]), name="first wave")]
        await crowd.sink.stored(500, seconds=90)
        waves.append(tasks.create_task(_leave(crowd, EVERYONE[200::1_600]), name="second wave"))
        folder = crowd.folder / "third"
        retiring = tasks.create_task(_imported(crowd, folder, person=_retired(LAST)), name="import")
        await crowd.sink.stored(4_000, seconds=90)
        waves.append(tasks.create_task(_leave(crowd, EVERYONE[300::1_600]), name="third wave"))
    await crowd.sink.do("slow", ms=0)
    await crowd.producer.answered(asked)
    left = {one: at for wave in waves for one, at in wave.result().items()}
    left |= {_person(one): left.get(_person(one), retiring.result()) for one in LAST}
    completed = await crowd.events.completed(asked.job, seconds=200)
    came = _came(crowd)
    assert set(EVERYONE) - came.keys() <= left.keys() <= set(EVERYONE)
    assert [one for one, at in left.items() if came.get(one, 0) > at + SLACK] == []
    in_time = [sum(one not in came for one in wave.result()) for wave in waves]
    assert all(in_time), in_time
    numbers = completed.data["counts"]
    assert (numbers["requested"], numbers["sent"]) == (len(EVERYONE), len(came))
    away = numbers["suppressed"] + numbers["suppressed_late"] + numbers["inactive"]
    assert away == len(EVERYONE) - len(came)
    asked.meant = _meant(EVERYONE, await _dropped(crowd, asked))


async def _leave(house: House, leaving: Sequence[str]) -> dict[str, float]:
    """Has them unsubscribed one after the other, in both ways; when each was answered."""
    answered = {}
    for number, address in enumerate(leaving):
        name = ("unsubscribe", "suppressions.add")[number % 2]
        asked = await house.producer.ask(asks.command(name, address=address))
        assert asked.done["changed"]
        answered[address] = asked.answered or 0.0
    return answered


def _came(house: House) -> dict[str, float]:
    """To whom a mail came, and when it began: one each."""
    came = {copy.rcpt[0]: copy.came for copy in house.sink.copies}
    assert len(came) == len(house.sink.copies)
    return came


async def _dropped(house: House, asked: Asked) -> dict[str, str]:
    """Who was left out when the audience was found, and why."""
    rows = await house.rows(
        "SELECT address, reason FROM dropped_recipient WHERE job_id = $1", asked.job
    )
    return {row["address"]: row["reason"] for row in rows}


def _meant(
    addresses: Iterable[str], dropped: Mapping[str, str] | None = None
) -> list[dict[str, str]]:
    """What the checker shall expect of them."""
    reasons = dropped or {}
    return [
        {"address": one, "name": f"N{one}"} | ({"dropped": reasons[one]} if one in reasons else {})
        for one in addresses
    ]
