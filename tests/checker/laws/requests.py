"""I1: what became of every request."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from tests.checker.evidence import Event, Request
from tests.checker.world import World

REASONS = {"bad_json", "bad_encoding", "unknown.type", "unknown.command", "unsupported.version",
           "too_large", "internal", "delivery_limit"}  # fmt: skip
"""Why a parcel is no request, or none that anything could be done with."""
SENDS = {"send", "sendEmail", None}
"""What a refused send is called; None when it wasn't even read."""


def one_fate(world: World) -> Iterator[str]:
    """Every confirmed send is exactly one of: a job, a refusal that was told, a dead letter."""
    rejected = Counter(
        _key(event) for event in _rejections(world) if event.data.get("command") in SENDS
    )
    dead = Counter(letter.message_id for letter in world.evidence.dead)
    told = Counter(one.message_id for one in world.evidence.dead if not one.is_brokers)
    revived = Counter(world.evidence.revived)
    jobs = Counter(job.request_id for job in world.evidence.books.jobs)
    for key, same in world.sends.items():
        letters = {one.message_id for one in same} | {key}
        spoiled = sum(dead[letter] - revived[letter] for letter in letters)
        refused = rejected[key] - sum(told[letter] for letter in letters)
        if spoiled and world.evidence.was_stormy:
            # published or buried again after a cut: at least once, each time told, never a job
            held = spoiled >= len(same) and rejected[key] >= len(same) and not jobs[key]
            yield "" if held else f"{key}: {spoiled} dead, {rejected[key]} told, {jobs[key]} jobs"
        else:
            yield _fate(key, same, jobs=jobs[key], refused=refused, dead=spoiled)


def nothing_unread_is_lost(world: World) -> Iterator[str]:
    """Every confirmed parcel that is no request at all is a dead letter."""
    dead = {letter.message_id for letter in world.evidence.dead}
    for parcel in world.evidence.requests:
        if isinstance(parcel.body, bytes):
            yield "" if parcel.message_id in dead else f"parcel {parcel.message_id} is gone"


def _fate(key: str, same: Sequence[Request], *, jobs: int, refused: int, dead: int) -> str:
    bodies = Counter(json.dumps(one.fields, sort_keys=True, default=str) for one in same)
    told = f"{len(same)} published, {jobs} jobs, {refused} refused, {dead} dead"
    if dead:
        return "" if (jobs, refused, dead) == (0, 0, len(same)) else f"{key}: {told}"
    if not jobs:
        return "" if refused >= len(same) else f"{key}: {told}"
    # of several bodies under one key one is accepted, with its repeats; the others are conflicts
    expected = {len(same) - number for number in bodies.values()}
    return "" if jobs == 1 and refused in expected else f"{key}: {told}"


def keys_are_kept(world: World) -> Iterator[str]:
    """The same request under the same key gets the first answer again, and no second job."""
    for key, same in world.sends.items():
        answers = {json.dumps(one.answer, sort_keys=True) for one in same if one.is_positive}
        if len(same) > 1:
            yield "" if len(answers) <= 1 else f"{key}: {len(answers)} different answers"


def no_job_from_nowhere(world: World) -> Iterator[str]:
    """Every job has a request that asked for it."""
    keyless = [one for one in world.evidence.requests if one.stores and not one.key]
    unkeyed = [job for job in world.jobs.values() if job.request_id is None]
    for job in world.jobs.values():
        known = job.request_id in world.sends or (job.request_id is None and keyless)
        yield "" if known else f"job {job.id} has no request"
    yield "" if len(unkeyed) <= len(keyless) else f"{len(unkeyed)} jobs of {len(keyless)} requests"


def answered(world: World) -> Iterator[str]:
    """Whoever asked for an answer has one, and a positive one names what is in the books."""
    for request in world.evidence.requests:
        if request.wants_answer:
            yield _answer(request, world)


def _answer(request: Request, world: World) -> str:
    if request.answer is None:
        return f"{request.command} {request.key}: no answer"
    named = request.answer.get("job")
    if request.is_positive and request.stores:
        known = named in world.jobs or request.kind is not None
        return "" if known else f"{request.key}: the answer's job {named} isn't there"
    return ""


def dead_letters_say_why(world: World) -> Iterator[str]:
    """Every dead letter has a known reason, is unchanged, and was told as a rejection by us."""
    told = Counter(_key(event) for event in _rejections(world))
    bodies = {one.message_id: one.body for one in world.evidence.requests}
    for letter in world.evidence.dead:
        body = bodies.get(letter.message_id)
        same = not isinstance(body, bytes) or body == letter.body
        is_told = letter.is_brokers or letter.message_id in told
        known = letter.reason in REASONS and is_told and body is not None
        yield "" if known and same else f"dead letter {letter.message_id}: {letter.reason}"


def _rejections(world: World) -> list[Event]:
    return [event for event in world.first.values() if event.type == "request.rejected"]


def _key(event: Event) -> str | None:
    found: str | None = event.data.get("request_id")
    return found
