"""States, ids, retry delays, replies: the small laws."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import orjson
from hypothesis import given
from hypothesis import strategies as st

from daemon.mail import event, ids, reply
from daemon.mail.content import Content
from daemon.mail.retry import Schedule
from daemon.mail.state import MOVES, OPEN, State

YEAR_2000 = datetime(2000, 1, 1)  # noqa: DTZ001  hypothesis adds the zone itself
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_the_table_is_whole() -> None:
    """Every state has its moves, a known letter of its own, and no way out of a final one."""
    assert set(MOVES) == set(State)
    assert len({state.value for state in State}) == len(State)
    for final in (State.BOUNCED, State.FAILED, State.EXPIRED, State.SUPPRESSED, State.CANCELED):
        assert not MOVES[final]


def test_nothing_final_opens_again() -> None:
    """What is sent, delivered or final never becomes open again."""
    for state in set(State) - OPEN - {State.IN_DOUBT}:
        assert not MOVES[state] & OPEN


@given(st.integers(1, 2**50), st.integers(0, 499))
def test_a_delivery_id_is_its_place(batch: int, position: int) -> None:
    """Batch and position are read back from the id."""
    assert ids.place_of(ids.delivery_id(batch, position)) == (batch, position)


@given(st.uuids(), st.integers(1, 2**40 - 1))
def test_an_event_id_is_its_place(randomness: UUID, seq: int) -> None:
    """Stream and number are read back from the id."""
    prefix = ids.stream_prefix(randomness)
    assert ids.stream_place(ids.event_id(prefix, seq)) == (prefix, seq)


@given(st.lists(st.datetimes(timezones=st.just(UTC), min_value=YEAR_2000), min_size=2))
def test_job_ids_sort_by_time(moments: list[datetime]) -> None:
    """A later job has a greater id, and each is a UUID of version 7."""
    made = [ids.job_id(moment, randomness=1) for moment in sorted(moments)]
    assert all(first <= second for first, second in pairwise(made))
    assert {one.version for one in made} == {7}


def test_tickets_look_as_promised() -> None:
    """`email_` and 13 hexadecimal digits (T037)."""
    assert ids.ticket(0) == "email_0000000000000"
    assert ids.ticket(2**60 - 1) == "email_fffffffffffff"


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_delays_stay_within_their_bounds(tries: int, chance: float) -> None:
    """A delay is never below the first less its jitter, nor above the cap plus its jitter."""
    schedule = Schedule()
    delay = schedule.delay(tries, None, chance)
    assert schedule.first * 0.8 <= delay <= schedule.cap * 1.2


@given(st.floats(0, 1e9), st.floats(0, 1, exclude_max=True))
def test_a_servers_wish_is_honoured_within_bounds(hint: float, chance: float) -> None:
    """A suggested delay is taken, never sooner than it says unless it is beyond the bounds."""
    schedule = Schedule()
    delay = schedule.delay(1, hint, chance)
    assert delay >= min(max(hint, schedule.hint_min), schedule.hint_max)


def test_nothing_is_tried_at_or_after_the_expiry() -> None:
    """The budget is a time: a retry that would be late isn't made."""
    schedule = Schedule()
    soon = schedule.next_at(1, None, now=NOW, expires=NOW + timedelta(days=1), chance=0.5)
    assert soon == NOW + timedelta(seconds=60)
    assert (
        schedule.next_at(1, None, now=NOW, expires=NOW + timedelta(seconds=60), chance=0.5) is None
    )


def test_a_reply_is_taken_apart() -> None:
    """Code, enhanced code and text of a multi-line reply, whose lines repeat the enhanced code."""
    parsed = reply.parse(451, ["4.7.1 Greylisted,", "4.7.1 try later"])
    assert (parsed.code, parsed.enhanced, parsed.text) == (451, "4.7.1", "Greylisted, try later")


def test_an_enhanced_code_of_another_class_is_text() -> None:
    """5.1.1 in a 250 is no enhanced code (RFC 2034 4)."""
    assert reply.parse(250, ["5.1.1 hm"]).enhanced is None


@given(st.integers(200, 559), st.lists(st.text(), max_size=5))
def test_strange_texts_become_fit_to_keep(code: int, lines: list[str]) -> None:
    """Whatever a server says can be stored, logged and published."""
    text = reply.parse(code, lines).text
    assert len(text) <= reply.TEXT_LIMIT
    assert "\x00" not in text
    orjson.dumps(text)


@given(st.binary())
def test_dot_stuffing_round_trips(data: bytes) -> None:
    """What a receiver un-stuffs is what we composed (RFC 5321 4.5.2), and only the end is a dot."""
    whole = data.replace(b"\r", b"").replace(b"\n", b"\r\n") + b"\r\n"
    wire = Content(data=whole).stuffed()
    assert wire.endswith(b"\r\n.\r\n") or whole == b"\r\n"
    lines = wire[: -len(b".\r\n")].split(b"\r\n")
    assert b"." not in lines
    assert b"\r\n".join(line.removeprefix(b".") for line in lines) == whole


def test_an_event_reads_the_same_from_memory_and_from_the_ledger() -> None:
    """The CloudEvents document has the required attributes and the payload's common fields."""
    told = event.Told(
        stream=1,
        prefix=ids.stream_prefix(UUID(int=2**127)),
        seq=3,
        at=NOW,
        event=event.Event(
            type=event.Type.DELIVERY_SENT,
            customer_id=5,
            job_id=UUID(int=7),
            delivery_id=512,
            code=250,
        ),
    )
    document = orjson.loads(event.cloud_event(told, source="deliveryd"))
    assert document["specversion"] == "1.0"
    assert document["id"] == document["data"]["event_id"] == str(told.id)
    assert document["type"] == "delivery.sent"
    assert told.routing_key == "delivery.sent.5"
    assert document["data"]["delivery_id"] == 512
