"""I2, I3, I4, I6, I9, I11: what became of every recipient, at the sink and in the events."""

from collections.abc import Iterator
from datetime import datetime

from tests.checker.evidence import Copy, Delivery, Request
from tests.checker.world import World, shown

FINAL = {"sent", "delivered", "bounced", "failed", "expired", "suppressed", "canceled"}
WINDOW = 1.0
"""Seconds after a refusal's answer in which what began before may still reach the sink."""
LATE = 2.0
"""Seconds after its expiry in which an attempt that began before may still end."""


def final(world: World) -> Iterator[str]:
    """Every recipient of a finished job is in a final state, and every job is finished."""
    for job in world.jobs.values():
        yield "" if job.is_finished else f"job {job.id} is {job.state}"
    for delivery in world.deliveries.values():
        yield "" if delivery.state in FINAL else f"{delivery.id} is {delivery.state}"


def told_as_booked(world: World) -> Iterator[str]:
    """The last event of a delivery says where it stands; only a whole job's cancel is silent."""
    for delivery in world.deliveries.values():
        last = world.of_delivery.get(delivery.id, [])[-1:]
        said = last[0].type.removeprefix("delivery.") if last else None
        canceled = delivery.state == "canceled" and world.told(delivery.job, "job.canceled")
        held = said == delivery.state or (canceled and said in (None, "deferred", "in_doubt"))
        yield "" if held else f"{delivery.id} is {delivery.state}, told as {said}"


def deferred_has_a_retry(world: World) -> Iterator[str]:
    """Deferred or retrying means exactly one retry row, everything else means none."""
    waiting = [one.id for one in world.deliveries.values() if one.state in ("deferred", "retrying")]
    retries = sorted(world.evidence.books.retries)
    yield (
        "" if retries == sorted(waiting) else f"{len(retries)} retry rows, {len(waiting)} deferred"
    )


def copies(world: World) -> Iterator[str]:
    """Sent means that the sink has it; never sent that it hasn't, but for what was in doubt."""
    for delivery in world.deliveries.values():
        stored = len(world.copies_of.get(delivery.id, ()))
        if delivery.state in ("sent", "delivered"):
            held = stored >= 1
        else:
            held = stored <= world.doubts(delivery.id)
        yield "" if held else f"{delivery.id} is {delivery.state} with {stored} copies"


def repeats_are_doubts(world: World) -> Iterator[str]:
    """A second copy has a doubt of that very delivery on record."""
    for number, stored in world.copies_of.items():
        if number in world.deliveries:
            doubts = world.doubts(number)
            held = len(stored) - 1 <= doubts
            yield "" if held else f"{number}: {len(stored)} copies, {doubts} doubts"


def same_bytes(world: World) -> Iterator[str]:
    """All copies of one delivery are the same octets."""
    for number, stored in world.copies_of.items():
        contents = {(copy.sha256, copy.message_id) for copy in stored}
        if number is not None and len(stored) > 1:
            yield "" if len(contents) == 1 else f"{number}: {len(contents)} different contents"


def wire_recipient(world: World) -> Iterator[str]:
    """Every copy went to the one address that its delivery is for."""
    for copy, delivery in _known(world):
        held = copy.rcpt == (delivery.address,)
        yield "" if held else f"{delivery.id} for {delivery.address} went to {shown(copy.rcpt)}"


def right_content(world: World) -> Iterator[str]:
    """Every copy has the subject that its recipient's data make of the request's."""
    expected = {
        job: {(one.norm, one.subject) for one in world.recipients[job]} for job in world.origin
    }
    for copy, delivery in _known(world):
        if delivery.job in expected:
            held = (delivery.address, copy.subject) in expected[delivery.job]
            yield "" if held else f"{delivery.id}: {copy.subject!r} isn't his"


def never_early(world: World) -> Iterator[str]:
    """Nothing is at the sink before its time."""
    for copy, delivery in _known(world):
        due = _due(world, delivery)
        if due is not None:
            held = copy.time >= due
            yield "" if held else f"{delivery.id} was {due - copy.time:.3f} s early"


def _due(world: World, delivery: Delivery) -> float | None:
    """The last time that was asked for, of the delivery or of its job."""
    found = None
    if delivery.job in world.orders:
        found = world.orders[delivery.job].due
    for move in world.commands("reschedule"):
        if "customer" in move.fields:
            continue  # whom that is about only the directory knows
        if move.fields.get("job") == delivery.job or move.fields.get("delivery") == delivery.id:
            found = datetime.fromisoformat(move.fields["not_before"]).timestamp()
    return found


def never_expired(world: World) -> Iterator[str]:
    """Nothing is at the sink after its expiry."""
    for copy, delivery in _known(world):
        expires = world.jobs[delivery.job].expires
        held = copy.time <= expires + LATE
        yield "" if held else f"{delivery.id} came {copy.time - expires:.3f} s after its expiry"


def not_after_a_refusal(world: World) -> Iterator[str]:
    """Once a cancel or an unsubscription is answered no attempt starts that it is about."""
    for refusal in (*world.commands("cancel"), *world.commands("unsubscribe")):
        if refusal.answered is not None:
            late = [
                f"delivery {delivery.id} {copy.came - refusal.answered:.2f} s"
                for copy, delivery in _known(world)
                if copy.came > refusal.answered + WINDOW and _is_about(refusal, delivery, world)
            ]
            yield f"{refusal.command}: copies after it: {', '.join(late[:5])}" if late else ""


def _is_about(refusal: Request, delivery: Delivery, world: World) -> bool:
    fields, job = refusal.fields, world.jobs[delivery.job]
    if refusal.command == "cancel":
        if "customer" in fields:
            return False  # whom that is about only the directory knows
        return delivery.id == fields.get("delivery") or job.id == fields.get("job")
    same = delivery.address.lower() == fields["address"].lower()
    again = any(
        one.fields["address"].lower() == fields["address"].lower()
        and (one.answered or 0) > (refusal.answered or 0)
        for one in world.commands("subscribe")
    )
    return same and job.purpose == "marketing" and not again


def lawful(world: World) -> Iterator[str]:
    """The conversation with the sink broke no rule of SMTP."""
    for copy in world.evidence.copies:
        yield f"{copy.message_id}: {dict(copy.violations)}" if copy.violations else ""


def nothing_unknown(world: World) -> Iterator[str]:
    """Every copy at the sink is of a delivery in the books."""
    for number, stored in world.copies_of.items():
        yield "" if number in world.deliveries else f"{len(stored)} copies of delivery {number}"


def _known(world: World) -> Iterator[tuple[Copy, Delivery]]:
    for copy in world.evidence.copies:
        delivery = world.deliveries.get(copy.delivery or 0)
        if delivery is not None:
            yield copy, delivery
