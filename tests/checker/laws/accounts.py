"""I2, the accounting law: reckoned from the requests, from the letters and from the events."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.checker.books import DROPPED, NUMBERS, SETTLED
from tests.checker.evidence import Delivery, Job
from tests.checker.world import World, shown

OPEN = ("waiting", "under_way", "retrying", "deferred")
COUNTER = {"suppressed": "suppressed_late"}
"""Where the counter isn't called like the state."""


def recipients_are_reckoned(world: World) -> Iterator[str]:
    """Everyone asked for is queued, or counted and listed under the one reason that applies."""
    listed = Counter(world.evidence.books.dropped)
    for job in world.jobs.values():
        if job.id in world.origin:
            expected = _reckoned(job, world)
            yield _compared(job.id, expected, {name: job.numbers[name] for name in expected})
            lists = {reason: listed[job.id, reason] for reason in DROPPED}
            yield _compared(f"{job.id} list", {name: expected[name] for name in DROPPED}, lists)


def _reckoned(job: Job, world: World) -> dict[str, int]:
    recipients = world.recipients[job.id]
    unwanted = _unsubscribed(world, before=world.origin[job.id].confirmed)
    found: Counter[str] = Counter(requested=len(recipients))
    seen = set()
    for one in recipients:
        place = (one.norm, one.own)
        if one.fault:
            found[one.fault] += 1
        elif place in seen:
            found["duplicate"] += 1
        elif job.purpose == "marketing" and one.norm.lower() in unwanted:
            found["suppressed"] += 1
        else:
            found["queued"] += 1
        seen.add(place)
    return {name: found[name] for name in ("requested", "queued", *DROPPED)}


def _unsubscribed(world: World, *, before: float) -> set[str]:
    """Who had been answered that they are unsubscribed when this was published."""
    changes = sorted(
        (one.answered or 0, one.command == "unsubscribe", one.fields["address"].lower())
        for name in ("unsubscribe", "subscribe")
        for one in world.commands(name)
    )
    wanted: dict[str, bool] = {address: gone for at, gone, address in changes if at <= before}
    return {address for address, gone in wanted.items() if gone}


def addresses_are_those_asked_for(world: World) -> Iterator[str]:
    """The deliveries of a job are exactly the sound addresses of its request, none else."""
    for job in world.jobs.values():
        if job.id not in world.origin or job.numbers["suppressed"]:
            continue
        sound = {(one.norm, one.own): one for one in world.recipients[job.id] if not one.fault}
        expected = Counter(one.norm for one in sound.values())
        booked = Counter(one.address for one in world.deliveries_of.get(job.id, ()))
        strange = [*(booked - expected), *(expected - booked)]
        yield f"{job.id}: {shown(strange)}" if strange else ""


def sums(world: World) -> Iterator[str]:
    """Both sums: requested = queued + dropped, queued = what became of them + remaining."""
    for job in world.jobs.values():
        numbers = job.numbers
        dropped, settled = _sum(numbers, DROPPED), _sum(numbers, (*SETTLED, "remaining"))
        queued = numbers["queued"] or 0
        held = numbers["requested"] in (None, queued + dropped) and queued == settled
        yield "" if held else f"{job.id}: {dict(numbers)}"


def letters(world: World) -> Iterator[str]:
    """A job's counters are what its deliveries' letters say."""
    for job in world.jobs.values():
        states = Counter(one.state for one in world.deliveries_of.get(job.id, ()))
        expected = {COUNTER.get(state, state): number for state, number in states.items()}
        expected["queued"] = states.total()
        expected["remaining"] = sum(expected.pop(state, 0) for state in OPEN)
        named = {name: expected.get(name, 0) for name in ("queued", *SETTLED, "remaining")}
        yield _compared(job.id, named, {name: job.numbers[name] for name in named})


def completion(world: World) -> Iterator[str]:
    """Every job was told accepted once, complete once with its numbers, expanded at most once."""
    for job in world.jobs.values():
        told = world.told(job.id, "job.completed")
        if len(told) != int(job.is_finished):
            yield f"{job.id}: {job.state}, job.completed {len(told)} times"
        elif told:
            counts: Mapping[str, int | None] = told[0].data["counts"]
            yield _compared(job.id, {name: counts.get(name) for name in NUMBERS}, job.numbers)
        accepted = world.told(job.id, "job.accepted")
        yield "" if len(accepted) == 1 else f"{job.id}: job.accepted {len(accepted)} times"
        expanded = world.told(job.id, "job.expanded")
        yield "" if len(expanded) <= 1 else f"{job.id}: job.expanded {len(expanded)} times"


def cancellation(world: World) -> Iterator[str]:
    """What is counted as canceled is the number in job.canceled + the delivery.canceled events."""
    for job in world.jobs.values():
        whole = world.told(job.id, "job.canceled")
        single = [one for one in world.deliveries_of.get(job.id, ()) if _taken_back(one, world)]
        number = sum(event.data["canceled"] for event in whole) + len(single)
        alone = [event for event in whole if "customer" not in event.data]
        held = number == job.numbers["canceled"] and len(alone) <= 1
        yield "" if held else f"{job.id}: {number} told, {job.numbers['canceled']} counted"


def _taken_back(delivery: Delivery, world: World) -> bool:
    told = world.of_delivery.get(delivery.id, ())
    return any(event.type == "delivery.canceled" for event in told)


def status(world: World) -> Iterator[str]:
    """`status` says of every job what the books say."""
    for number, shown_as in world.evidence.books.status.items():
        job = world.jobs[number]
        yield _compared(
            number, {name: shown_as["counts"].get(name) for name in NUMBERS}, job.numbers
        )
        yield "" if shown_as["state"] == job.state else f"{number}: shown as {shown_as['state']}"


def audit(world: World) -> Iterator[str]:
    """`audit` finds nothing."""
    found = world.evidence.books.audit
    if found is not None:
        yield "" if found.get("balanced") else f"audit: {found}"


def _sum(numbers: Mapping[str, int | None], names: Sequence[str]) -> int:
    return sum(numbers[name] or 0 for name in names)


def _compared(
    what: str, expected: Mapping[str, int | None], found: Mapping[str, int | None]
) -> str:
    other = [
        f"{name} {found[name]} instead of {expected[name]}"
        for name in expected
        if found[name] != expected[name]
    ]
    return f"{what}: {', '.join(other)}" if other else ""
