"""Mail into a folder: `delivery.mode = "file"`, for dry runs of everything."""

from pathlib import Path

from tests.stories import asks
from tests.stories.house import House

PEOPLE = asks.people(9)


async def test_into_a_folder(house: House) -> None:
    """C17: each mail is one file and none leaves the machine; whatever the folder is called.

    Killed with replies that no commit knows of, it repeats nothing and doubts nothing.
    """
    folder = house.folder / "all mail, für später"
    settings = {"delivery__mode": "file", "delivery__folder": str(folder)}
    doomed = await house.start(crash="C17:3", **settings)
    doomed.is_doomed = True
    asked = await house.producer.tell(asks.send(PEOPLE), wants_answer=True)
    await doomed.ended()
    last = await house.start(**settings)
    await house.producer.answered(asked)
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == len(PEOPLE)
    assert house.events.number("delivery.in_doubt") == 0
    files = list(folder.iterdir())
    assert {file.name.partition("-")[2] for file in files} == {"1.eml"}
    assert sorted(map(_recipient, files)) == sorted(one["address"] for one in PEOPLE)
    assert not house.sink.copies
    assert {event.data["relay"] for event in house.events.of("delivery.sent")} == {f"file:{folder}"}
    assert (await house.typed("audit"))[0] == 0
    await last.stop()


def _recipient(file: Path) -> str:
    lines = file.read_text(encoding="ascii").splitlines()
    return lines[1].removeprefix("Delivered-To: ")
