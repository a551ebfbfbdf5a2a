"""Every wait has a reason that can be asked for (promise 7)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from daemon.cli import reason, relays
from daemon.cli.reason import Cause, Scene
from daemon.mail.state import State
from daemon.store.live import Trouble
from daemon.store.operator import Delivery, Job, Lane

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
HOUR = timedelta(hours=1)

DELIVERY = Delivery(
    id=5121,
    job_id=UUID(int=1),
    message_id=1,
    customer_id=7,
    address="ann@example.com",
    lane_id=1,
    klass=1,
    state=State.WAITING,
    has_retry_row=False,
    due_at=NOW - HOUR,
    rank=None,
    tries=0,
    permitted_at=None,
    owner=None,
    owner_is_alive=False,
    is_claimed=False,
)
JOB = Job(
    id=UUID(int=1),
    ticket="email_0",
    request_id=None,
    dialect="native",
    customer_id=7,
    customer="Seven",
    state="running",
    open=False,
    paused=False,
    customer_paused=False,
    klass=1,
    doubt="hold",
    accepted_at=NOW - HOUR,
    not_before=NOW - HOUR,
    expires_at=NOW + 24 * HOUR,
    closes_at=None,
    started_at=None,
    finished_at=None,
    frames=0,
    frames_expected=None,
    lane_id=1,
    transport_id=3,
    transport="Relay",
    host="relay.example",
    port=25,
    active=True,
    queued=1,
    remaining=1,
    in_doubt=0,
    now=NOW,
)
LANE = Lane(max_connections=20, max_per_second=10.0, granted=20, paced=0.0, alive=1, starting=1)
SCENE = Scene(
    delivery=DELIVERY, job=JOB, lane=LANE, ahead=0, doubt_since=None, doubt_after=7 * 86_400.0
)


def scene(
    *,
    job: dict[str, object] | None = None,
    lane: dict[str, object] | None = None,
    **delivery: object,
) -> Scene:
    """The scene with some things otherwise."""
    return replace(
        SCENE,
        delivery=replace(DELIVERY, **delivery),
        job=replace(JOB, **(job or {})),
        lane=replace(LANE, **(lane or {})),
    )


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_reason(state: State) -> None:
    """Wherever a delivery stands, there is a sentence about it."""
    assert reason.of(scene(state=state)).sentences


@pytest.mark.parametrize("state", [one for one in State if not one.is_open])
def test_what_is_final_waits_for_nothing(state: State) -> None:
    """A final state waits for nothing, a doubt for a person."""
    found = reason.of(scene(state=state))
    assert found.cause is (Cause.DECISION if state is State.IN_DOUBT else Cause.NOTHING)


def test_not_due() -> None:
    """What is scheduled waits for its time, and the answer says which."""
    found = reason.of(scene(due_at=NOW + HOUR))
    assert (found.cause, found.until) == (Cause.NOT_DUE, NOW + HOUR)
    assert "2026-11-21 11:00:00Z (in 1 h)" in found.sentences[0]


def test_deferred() -> None:
    """A deferred delivery waits for its next try."""
    found = reason.of(scene(state=State.DEFERRED, has_retry_row=True, due_at=NOW + HOUR, tries=1))
    assert found.sentences[0].startswith("Its next try is")


def test_paused() -> None:
    """A pause is named before anything else, with the way out of it; it has no end of its own."""
    of_job = reason.of(scene(job={"paused": True}, due_at=NEVER))
    assert (of_job.cause, of_job.until) == (Cause.PAUSED, None)
    assert f"deliveryd resume {JOB.id}" in of_job.sentences[0]
    of_customer = reason.of(scene(job={"customer_paused": True}, due_at=NEVER))
    assert "deliveryd resume --customer 7" in of_customer.sentences[0]


def test_due_ready_claimed() -> None:
    """What is due says how far it has come: unranked, ranked, or in an instance's hands."""
    assert reason.of(SCENE).cause is Cause.DUE
    ready = reason.of(replace(scene(rank=1.5), ahead=1200))
    assert ready.cause is Cause.READY
    assert "1,200 deliveries" in ready.sentences[0]
    claimed = reason.of(scene(rank=1.5, is_claimed=True, owner="mail-1", owner_is_alive=True))
    assert claimed.cause is Cause.CLAIMED
    assert "mail-1" in claimed.sentences[0]


def test_what_stands_in_the_way() -> None:
    """A full lane, a spent rate, a transport out of use and nobody alive are all told."""
    told = " ".join(
        reason.of(
            scene(rank=1.5, job={"active": False}, lane={"alive": 0, "paced": 12.0})
        ).sentences
    )
    assert "20 connections 20 are granted" in told
    assert "spent for 12 s" in told
    assert "transport 3 is not in use" in told
    assert "No instance is alive" in told


@pytest.mark.parametrize("state", [State.WAITING, State.UNDER_WAY, State.RETRYING])
def test_owner_gone(state: State) -> None:
    """What a dead instance holds waits for another one to take it over."""
    found = reason.of(scene(state=state, is_claimed=True, owner="mail-1", owner_is_alive=False))
    assert found.cause is Cause.OWNER_GONE
    assert "mail-1, which is gone" in found.sentences[0]


def test_doubt() -> None:
    """A doubt names both decisions, and when it is given up without one."""
    found = reason.of(replace(scene(state=State.IN_DOUBT), doubt_since=NOW - HOUR))
    assert found.until == NOW - HOUR + timedelta(days=7)
    assert "doubt resend 5121" in found.sentences[1]


@pytest.mark.parametrize("state", [State.WAITING, State.DEFERRED])
def test_the_end_is_always_told(state: State) -> None:
    """Whatever waits, the answer says when it is given up."""
    assert "given up 2026-11-22 10:00:00Z" in reason.of(scene(state=state)).sentences[-1]


def test_a_brake_is_told() -> None:
    """Who waits for an instance that starts nothing hears why it doesn't (its disk is full)."""
    full = "journal: /var/lib/deliveryd: No space left on device"
    held = reason.of(scene(is_claimed=True, owner="a", owner_is_alive=True, brake=full, rank=1.0))
    assert held.cause is Cause.BRAKED
    assert held.sentences[0] == f"Claimed by instance a, which starts nothing: {full}."
    nobody = reason.of(scene(lane={"starting": 0, "braked": [f"a ({full})"]}))
    assert nobody.cause is Cause.BRAKED
    assert f"No instance starts anything now: a ({full})." in nobody.sentences


def test_all_are_leaving() -> None:
    """Instances that are about to stop start nothing either."""
    found = reason.of(scene(lane={"starting": 0}, rank=1.0))
    assert found.cause is Cause.BRAKED
    assert "No instance starts anything now: all are about to stop." in found.sentences


def test_a_relay_that_fails() -> None:
    """Who waits for a relay that can't be reached hears that, and when it failed last."""
    one = Trouble(
        at=NOW - timedelta(seconds=5), type="delivery.deferred", job_id=UUID(int=2), delivery_id=1,
        attempt=1, code=None, enhanced=None, text=None, relay="relay.example:25",
        data={"reason": "connect", "why": "timed out"},
    )  # fmt: skip
    assert relays.of_its_own([one], "relay.example:25") is one
    said = relays.sentence(one, NOW)
    assert (
        said
        == "Its relay relay.example:25 failed 5 s ago (no connection: timed out); it is given time."
    )
    assert relays.of_its_own([one], "other.example:25") is None
    greylisted = replace(one, code=451, data={"reason": "refused"})
    assert relays.of_its_own([greylisted], "relay.example:25") is None
    waiting = replace(scene(rank=1.0), relay_fails=said)
    assert said in reason.of(waiting).sentences


def test_closed() -> None:
    """What its window holds says so, and when that opens; what is due later waits for its time."""
    shut = {"opens_at": NOW + 2 * HOUR}
    for due in (NOW - HOUR, NOW + 2 * HOUR):
        found = reason.of(scene(due_at=due, job=shut))
        assert (found.cause, found.until) == (Cause.CLOSED, NOW + 2 * HOUR)
        assert found.sentences[0] == (
            "Its send window is closed: it opens 2026-11-21 12:00:00Z (in 2 h)."
        )
    later = reason.of(scene(due_at=NOW + 3 * HOUR, job=shut))
    assert (later.cause, later.until) == (Cause.NOT_DUE, NOW + 3 * HOUR)
    paused = reason.of(scene(job=shut | {"paused": True}))
    assert paused.cause is Cause.PAUSED
    never = reason.of(scene(job={"opens_at": JOB.expires_at}))
    assert "doesn't open any more" in never.sentences[0]
