"""Mail into a folder: `delivery.mode = "file"`, for dry runs of everything."""

import email
import hashlib
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

from tests.checker.evidence import Copy
from tests.stories import asks
from tests.stories.house import House
from tests.stories.sink import Sink

PEOPLE = asks.people(9)


class Folder:
    """Stands where the judgement looks for copies; the sink beside it should have none."""

    def __init__(self, path: Path, sink: Sink) -> None:
        self.path = path
        self._sink = sink
        self.host, self.port, self.peak = sink.host, sink.port, sink.peak

    @property
    def copies(self) -> list[Copy]:
        """Every mail at either place."""
        return [*map(_copy, self.path.iterdir()), *self._sink.copies]


def _copy(file: Path) -> Copy:
    sender, recipient, mail = file.read_bytes().split(b"\r\n", 2)
    assert sender.startswith(b"Return-Path: <")
    head, written = email.message_from_bytes(mail), file.stat().st_mtime
    return Copy(
        time=written,
        came=written,
        began=written,
        connection=0,
        rcpt=(recipient.removeprefix(b"Delivered-To: ").decode(),),
        message_id=str(head["Message-ID"]),
        sha256=hashlib.sha256(mail).hexdigest(),
        subject=str(make_header(decode_header(head["Subject"]))),
        violations={},
    )


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
    await house.start(**settings)
    await house.producer.answered(asked)
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == len(PEOPLE)
    assert house.events.number("delivery.in_doubt") == 0
    assert {file.name.partition("-")[2] for file in folder.iterdir()} == {"1.eml"}
    assert {event.data["relay"] for event in house.events.of("delivery.sent")} == {f"file:{folder}"}
    assert not house.sink.copies
    files: Any = Folder(folder, house.sink)
    house.sink = files
    await house.judge()
