"""Why a delivery waits, for what and until when (promise 7). Pure.

Every state has a sentence; whatever waits has a cause out of a short list, a time when it is next
looked at, and beside it everything else that stands in its way.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from daemon.cli import words
from daemon.mail.state import State
from daemon.store.operator import Delivery, Job, Lane


class Cause(StrEnum):
    """What a delivery waits for."""

    NOTHING = "nothing"
    """It is final."""
    PAUSED = "paused"
    CLOSED = "closed"
    """Its send window is closed."""
    NOT_DUE = "not_due"
    DUE = "due"
    """About to be made ready."""
    READY = "ready"
    """Ranked; waits for an instance to claim it."""
    CLAIMED = "claimed"
    """An instance has it; waits for a connection or the rate."""
    BRAKED = "braked"
    """Nobody who is there starts anything: what holds them must end first."""
    UNDER_WAY = "under_way"
    OWNER_GONE = "owner_gone"
    """Its instance is gone; waits for another to take it over."""
    DECISION = "decision"
    """In doubt; waits for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a delivery stands where it stands."""

    cause: Cause
    until: datetime | None
    """When it is next looked at, where that is known."""
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything around a delivery that it may wait for."""

    delivery: Delivery
    job: Job
    lane: Lane
    ahead: int
    """Deliveries that are ready before it."""
    doubt_since: datetime | None
    doubt_after: float
    """Seconds after which an undecided doubt is given up."""
    relay_fails: str = ""
    """What of late was wrong with its relay itself, if anything was."""


_FINAL = {
    State.SENT: "Accepted by the next hop: it is theirs now.",
    State.DELIVERED: "A delivery report confirms that it arrived.",
    State.BOUNCED: "Refused for good.",
    State.FAILED: "Given up: not handed over, or in doubt until nobody waited any more.",
    State.EXPIRED: "Given up: its time was over.",
    State.SUPPRESSED: "Not sent: its address was suppressed when it was about to start.",
    State.CANCELED: "Taken back before it started.",
}


def of(scene: Scene) -> Reason:
    """The reason, whatever the state."""
    state = scene.delivery.state
    if state in _FINAL:
        return Reason(cause=Cause.NOTHING, until=None, sentences=(_FINAL[state],))
    if state is State.IN_DOUBT:
        return _in_doubt(scene)
    if state in (State.UNDER_WAY, State.RETRYING):
        return _under_way(scene)
    return _waiting(scene)


def _in_doubt(scene: Scene) -> Reason:
    number, since = scene.delivery.id, scene.doubt_since
    until = since and since + timedelta(seconds=scene.doubt_after)
    sentences = [
        "In doubt: the mail may have been taken, and no reply is on record.",
        f"It waits for you: deliveryd doubt resend {number}, or deliveryd doubt give-up {number}.",
    ]
    if until is not None:
        sentences.append(f"Undecided, it is given up {words.when(until, scene.job.now)}.")
    return Reason(cause=Cause.DECISION, until=until, sentences=tuple(sentences))


def _under_way(scene: Scene) -> Reason:
    delivery = scene.delivery
    if not delivery.owner_is_alive:
        return _owner_gone(scene, "It may be under way")
    sentence = f"An attempt is running, or about to, at instance {delivery.owner}."
    return Reason(cause=Cause.UNDER_WAY, until=None, sentences=(sentence,))


def _owner_gone(scene: Scene, where: str) -> Reason:
    who = scene.delivery.owner or "an instance that is forgotten already"
    taken = f"{where}, claimed by {who}, which is gone: another one takes it over within seconds."
    return Reason(cause=Cause.OWNER_GONE, until=None, sentences=(taken, *nobody_there(scene.lane)))


def _waiting(scene: Scene) -> Reason:
    delivery, now = scene.delivery, scene.job.now
    if delivery.is_claimed and not delivery.owner_is_alive:
        return _owner_gone(scene, "It waits")
    if scene.job.paused or scene.job.customer_paused:
        return _paused(scene)
    if words.is_never(delivery.due_at):
        return _told(scene, Cause.PAUSED, "Put off for ever: reschedule it to have it sent.")
    if scene.job.opens_at and delivery.due_at <= scene.job.opens_at:
        return _told(scene, Cause.CLOSED, closed(scene.job))
    if delivery.due_at > now:
        what = "Its next try is" if delivery.tries else "It is due"
        return _told(scene, Cause.NOT_DUE, f"{what} {words.when(delivery.due_at, now)}.")
    return _due(scene)


def _paused(scene: Scene) -> Reason:
    job = scene.job
    if job.paused:
        return _told(scene, Cause.PAUSED, f"Its job is paused: deliveryd resume {job.id}.")
    sentence = (
        f"Customer {job.customer_id} is paused: deliveryd resume --customer {job.customer_id}."
    )
    return _told(scene, Cause.PAUSED, sentence)


def _due(scene: Scene) -> Reason:
    delivery, lane = scene.delivery, scene.lane
    if delivery.is_claimed and delivery.brake:
        sentence = f"Claimed by instance {delivery.owner}, which starts nothing: {delivery.brake}."
        return _told(scene, Cause.BRAKED, sentence)
    if not delivery.is_claimed and lane.alive and not lane.starting:
        since = words.when(delivery.due_at, scene.job.now)
        return _told(scene, Cause.BRAKED, f"Due since {since}.")
    if delivery.is_claimed:
        sentence = (
            f"Claimed by instance {delivery.owner}: it starts when a connection and the rate allow."
        )
        return _told(scene, Cause.CLAIMED, sentence)
    if delivery.rank is None:
        since = words.when(delivery.due_at, scene.job.now)
        return _told(scene, Cause.DUE, f"Due since {since}: about to be made ready.")
    before = words.number(scene.ahead, "delivery", "deliveries")
    return _told(scene, Cause.READY, f"Ready, with {before} of its lane and class before it.")


def _told(scene: Scene, cause: Cause, sentence: str) -> Reason:
    """The cause, and then whatever else would hold it up."""
    job, lane = scene.job, scene.lane
    due = scene.delivery.due_at
    until = None if words.is_never(due) or cause is Cause.PAUSED else max(due, job.now)
    if cause is Cause.CLOSED:
        until = job.opens_at
    sentences = [sentence, *nobody_there(lane)]
    if not job.active:
        sentences.append(f"Its transport {job.transport_id} is not in use any more.")
    if cause in (Cause.READY, Cause.CLAIMED):
        sentences += busy(lane)
    if cause in (Cause.DUE, Cause.READY, Cause.CLAIMED) and scene.relay_fails:
        sentences.append(scene.relay_fails)
    sentences.append(f"It is given up {words.when(job.expires_at, job.now)}.")
    return Reason(cause=cause, until=until, sentences=tuple(sentences))


def closed(job: Job) -> str:
    """Until when a job's closed window holds it; empty when it doesn't."""
    if job.opens_at is None or job.not_before > job.opens_at:
        return ""
    if job.opens_at >= job.expires_at:
        return "Its send window is closed, and doesn't open any more before its expiry."
    return f"Its send window is closed: it opens {words.when(job.opens_at, job.now)}."


def nobody_there(lane: Lane) -> list[str]:
    """Why nothing at all starts; nothing when somebody starts something."""
    if not lane.alive:
        return ["No instance is alive: start one with deliveryd serve."]
    if lane.starting:
        return []
    if lane.braked:
        return [f"No instance starts anything now: {', '.join(lane.braked)}."]
    return ["No instance starts anything now: all are about to stop."]


def busy(lane: Lane) -> list[str]:
    """What of a lane is in use, and for how long its rate is."""
    told = [f"Of its lane's {lane.max_connections} connections {lane.granted} are granted."]
    if lane.paced > 0:
        spent = f"is spent for {words.span(lane.paced)}" if lane.paced >= 1 else "is in use"
        told.append(f"The lane's rate of {lane.max_per_second:g} per second {spent}.")
    return told
