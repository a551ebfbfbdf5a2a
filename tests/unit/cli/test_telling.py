"""Whole stories: what is shown beside the facts."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from daemon.cli import blocks, telling
from daemon.mail.event import Type
from daemon.store.framing import Early
from daemon.store.happened import Happened
from daemon.store.operator import Fact, Open
from tests.unit.cli.test_reason import HOUR, JOB, LANE, NOW, scene

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def lines(told: telling.Told) -> str:
    """The story as plain text."""
    return "\n".join(blocks.lines(told.view))


def sent(attempt: int) -> Fact:
    """The end of a delivery."""
    return Fact(
        id=UUID(int=attempt), at=AT, type=Type.DELIVERY_SENT, attempt=attempt, code=250,
        enhanced=None, text="Ok", relay="mx:25", next_at=None, data={}, is_told=True,
    )  # fmt: skip


def test_tries_and_path() -> None:
    """A delivery says how often it was tried, and that the request itself names it."""
    told = telling.of_delivery(scene(), [], [sent(3)])
    assert told.document["tries"] == 3
    assert "the request itself" in lines(told)


def test_a_refused_request() -> None:
    """An event of a request that was refused tells everything that was wrong with it."""
    error = {"field": "messages", "message": "at least one", "code": "param.missing"}
    event = Happened(
        at=AT, type=Type.REQUEST_REJECTED, customer_id=0, job_id=None, delivery_id=None,
        data={"request_id": "order-1", "command": "send", "errors": [error]},
    )  # fmt: skip
    told = telling.of_refusal(event)
    assert all(word in lines(told) for word in ("order-1", "at least one", "unknown"))


def test_frames_without_their_send() -> None:
    """A request id of which only frames are here says what they wait for, and until when."""
    early = Early(customer_id=7, parts=[-1, 1, 2], expires_at=AT)
    said = lines(telling.of_early("order-1", [early]))
    assert "No job goes by order-1 yet" in said
    assert "frames 1, 2 and the close came before it" in said


def test_a_job_that_nobody_serves() -> None:
    """A job's trace says as well that nobody is there, or that nobody starts anything."""
    waits = Open(retries=False, ready=True, claimed=False, due_at=NOW, count=1)
    gone = telling.of_job(JOB, replace(LANE, alive=0, starting=0), [waits], [])
    assert "No instance is alive" in lines(gone)
    braked = telling.of_job(
        JOB, replace(LANE, starting=0, braked=["a (journal: full)"]), [waits], []
    )
    assert "a (journal: full)" in lines(braked)
    well = lines(telling.of_job(JOB, LANE, [waits], []))
    assert "No instance" not in well
    assert "20 connections" in well


def test_a_job_whose_window_is_closed() -> None:
    """Its trace says until when, unless it isn't due by then anyway."""
    waits = Open(retries=False, ready=False, claimed=False, due_at=NOW, count=1)
    shut = replace(JOB, opens_at=NOW + HOUR)
    assert "Its send window is closed: it opens" in lines(telling.of_job(shut, LANE, [waits], []))
    later = replace(shut, not_before=NOW + 2 * HOUR)
    assert "window" not in lines(telling.of_job(later, LANE, [waits], []))


def test_a_job_that_is_spread() -> None:
    """What is due one after the other is told together, until when it is."""
    waits = Open(
        retries=False,
        ready=False,
        claimed=False,
        due_at=NOW + HOUR,
        last_at=NOW + 3 * HOUR,
        count=9,
    )
    told = telling.of_job(JOB, LANE, [waits], [])
    assert (
        "9 deliveries waiting, due evenly from 2026-11-21 11:00:00Z (in 1 h)"
        " until 2026-11-21 13:00:00Z (in 3 h)."
    ) in lines(told)
    assert told.document["open"][0]["last_at"] == NOW + 3 * HOUR


def test_an_audience_that_is_still_to_be_found() -> None:
    """A job whose audience was put off waits for it, however often it was looked for in vain."""
    late = replace(JOB, state="expanding", remaining=0, search_at=NOW + HOUR)
    assert "Its audience is still to be found, 2026-11-21 11:00:00Z (in 1 h)." in lines(
        telling.of_job(late, LANE, [], [])
    )
    vain = replace(late, searches=3, trouble="no answer in time")
    assert (
        "Its audience wasn't found in 3 tries (no answer in time), again 2026-11-21 11:00:00Z"
    ) in lines(telling.of_job(vain, LANE, [], []))
    begun = replace(late, search_at=NOW)
    assert "Its audience is still to be found." in lines(telling.of_job(begun, LANE, [], []))
