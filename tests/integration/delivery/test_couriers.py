"""One suite for every way out: the seam's promises, whoever keeps them."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.delivery.courier import Courier
from daemon.delivery.file import FileCourier
from daemon.delivery.smtp import SmtpCourier
from daemon.mail.attempt import Attempt
from daemon.mail.outcome import Deferred, Failed, Sent
from tests.unit.delivery.scripted import ListSource, Notes, attempt

Make = Callable[[Notes], Courier]


@pytest.fixture(params=["smtp", "file"])
def make(
    request: pytest.FixtureRequest, start_sink: Callable[..., Any], tmp_path: Path
) -> Iterator[Make]:
    """Makes couriers of one kind."""
    if request.param == "smtp":
        relay = start_sink().relay()
        yield lambda notes: SmtpCourier(relay, notes)
    else:
        yield lambda notes: FileCourier(tmp_path / "mail", notes)


def test_each_attempt_gets_one_outcome(run: Any, make: Make) -> None:
    """In the order taken, with dot and reply witnessed; a fault is its own only."""
    notes = Notes()
    source = ListSource([attempt(0), attempt(1, recipient="no address"), attempt(2)])
    run(make(notes).run(source))
    assert [type(source.outcome(number)) for number in range(3)] == [Sent, Failed, Sent]
    assert len(source.settled) == 3
    assert notes.dots == [0, 2]
    assert notes.replies == [(0, 250), (2, 250)]


def test_the_witness_can_forbid(run: Any, make: Make) -> None:
    """Without its leave nothing is delivered, and nothing counts."""
    source = ListSource([attempt(0)])
    run(make(Notes(allows=False)).run(source))
    (outcome,) = (outcome for _, outcome in source.settled)
    assert isinstance(outcome, Deferred)
    assert (outcome.reason, outcome.counts) == ("fenced", False)


def test_runs_at_once(run: Any, make: Make) -> None:
    """Several runs of one courier share one source."""
    source = ListSource([attempt(number) for number in range(50)])

    async def main() -> None:
        courier = make(Notes())
        async with asyncio.TaskGroup() as tasks:
            for _ in range(5):
                tasks.create_task(courier.run(source))

    run(main())
    assert sorted(number for number, _ in source.settled) == list(range(50))
    assert {type(outcome) for _, outcome in source.settled} == {Sent}


def test_none_ends_the_run_and_a_stop_does(run: Any, make: Make) -> None:
    """A run waits as long as the source does, and ends when it is cancelled."""

    async def main() -> None:
        source = ListSource([attempt(0)], gate=asyncio.Event())
        task = asyncio.Task(make(Notes()).run(source))
        await source.until(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [type(outcome) for _, outcome in source.settled] == [Sent]

    run(main())


def test_files_are_whole_and_named(tmp_path: Path) -> None:
    """One file per attempt, named after it, with the envelope above the message."""
    folder = tmp_path / "a" / "b"
    one = Attempt(
        delivery_id=7,
        number=3,
        envelope=attempt(7).envelope,
        content=attempt(7, b"Subject: x\r\n\r\n.\r\n").content,
    )
    for _ in range(2):
        source = ListSource([one])
        asyncio.run(FileCourier(folder).run(source))
        outcome = source.outcome(7)
        assert isinstance(outcome, Sent)
        assert (outcome.reply.code, outcome.relay) == (250, f"file:{folder}")
    assert [file.name for file in folder.iterdir()] == ["7-3.eml"]
    assert (folder / "7-3.eml").read_bytes() == (
        b"Return-Path: <s7@here.test>\r\nDelivered-To: r7@there.test\r\nSubject: x\r\n\r\n.\r\n"
    )


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    """What isn't written is deferred with the reason, not lost and not in doubt."""
    (tmp_path / "mail").write_text("a file where the folder should be")
    source = ListSource([attempt(0)])
    asyncio.run(FileCourier(tmp_path / "mail").run(source))
    outcome = source.outcome(0)
    assert isinstance(outcome, Deferred)
    assert outcome.reason == "file"
