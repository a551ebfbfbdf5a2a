"""Jobs that are sent in frames (design 2.3): `extend`, `close`, and what comes before its send.

Every frame is an accept of its own, under the lock of its (customer, request id): frames may come
in any order, at any instance, each number once. One that finds no job is kept; whoever commits the
send takes the kept ones afterwards, each as a request of its own: no transaction grows with them.
"""

from uuid import UUID

from daemon.expansion import literal
from daemon.intake import events, granting, keys
from daemon.intake.ask import Ask, Terms, Verdict
from daemon.intake.granting import Claim, Granted
from daemon.ledger.writer import Append
from daemon.mail import money
from daemon.mail.money import Paid
from daemon.mail.refusal import Code, Fault, Refused
from daemon.mail.request.answers import Accepted
from daemon.mail.request.commands import Close, Extend
from daemon.store import accepting, credit, door, framing
from daemon.store.accepting import Key
from daemon.store.framing import Kept, OpenJob


class _Refusal(Exception):
    """Undoes a frame that the plan doesn't allow or the credit doesn't cover, and nothing else."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault


async def entered(append: Append, ask: Ask, terms: Terms) -> Verdict:
    """Carries out an `extend` or a `close`, or keeps it until its send has come."""
    key, session = ask.key, append.session
    assert key is not None  # noqa: S101 - both have one
    await framing.lock(session, key.customer_id, key.request_id)
    job = await _job(session, ask, key, terms)
    if job is None:
        return await _kept(append, ask, key, terms)
    claims, seen = await keys.claimed(session, {key: (ask, job.id)}, terms)
    if key in seen:
        return seen[key]
    verdict = _unfit(ask, job) or await _carried_out(append, ask, job, terms)
    if isinstance(verdict.answer, Accepted):
        await accepting.answer(session, [(claims[key], ask.back.text(verdict.answer))])
    else:
        await accepting.unclaim(session, [claims[key]])
    return verdict


async def _job(session: door.Session, ask: Ask, key: Key, terms: Terms) -> OpenJob | None:
    """Its job, locked for a close. A frame locks it last: meanwhile its settling goes on."""
    lifetime = terms.key_lifetime
    job = await framing.job(session, key.customer_id, key.request_id, lifetime=lifetime)
    if job is None or isinstance(ask.request, Extend):
        return job
    await framing.hold(session, job.id)
    return await framing.job(session, key.customer_id, key.request_id, lifetime=lifetime)


async def end(append: Append, job: UUID, *, closed_by: str) -> None:
    """Tells of a locked job that it has just been closed; if nobody is left in it, it is over."""
    now = await framing.standing(append.session, job)
    await append.events([events.expanded(now, closed_by=closed_by)])
    if now.is_complete:
        await accepting.complete(append.session, [job])
        await append.events([events.completed(now)])


async def _kept(append: Append, ask: Ask, key: Key, terms: Terms) -> Verdict:
    """Its send hasn't come yet: the answer follows when it has, or when its time is over."""
    frame = Kept(
        customer_id=key.customer_id,
        request_id=key.request_id,
        part=key.part,
        body_hash=ask.body_hash,
        body=ask.plain,
        reply_to=ask.back.reply_to,
        correlation_id=ask.back.correlation_id,
    )
    kept = await framing.keep(append.session, frame, lifetime=terms.early_lifetime)
    return Verdict(result="kept") if kept else keys.conflict(ask)


def _unfit(ask: Ask, job: OpenJob) -> Verdict | None:
    """Why this frame or close can't be taken by this job, if it can't."""
    if not job.open:
        return _refused(ask, Code.STATE_CONFLICT, "request_id", "is that of a job that is closed")
    match ask.request:
        case Extend(frame=frame) if job.frames_expected and frame > job.frames_expected:
            advice = f"must be at most {job.frames_expected}, as `close` has announced"
            return _refused(ask, Code.PARAM_INVALID, "frame", advice)
        case Close(frames=frames) if frames < job.frames:
            advice = f"must be at least {job.frames}, for so many are in"
            return _refused(ask, Code.PARAM_INVALID, "frames", advice)
    return None


async def _carried_out(append: Append, ask: Ask, job: OpenJob, terms: Terms) -> Verdict:
    match ask.request:
        case Extend() as extend:
            return await _extended(append, ask, extend, job, terms)
        case Close(frames=frames):
            return await _closed(append, ask, job, frames)
    raise AssertionError(ask.request.command)


async def _extended(
    append: Append, ask: Ask, extend: Extend, job: OpenJob, terms: Terms
) -> Verdict:
    """One frame more; the last of those that were announced closes the job."""
    session = append.session
    await framing.share(session, ask.customer.id)
    audience = literal.Audience(job_id=job.id, message_id=job.message_id, recipients=extend.items)
    try:
        async with session.transaction():
            found = (await literal.expanded(session, [audience], need_dot=terms.need_dot))[job.id]
            granted = await _granted(session, ask, job.id, found.counts["queued"])
    except _Refusal as refusal:
        return _refused_for(ask, refusal.fault)
    await append.events(granted.low)
    await framing.enter(session, job.id, open_timeout=terms.open_timeout)
    if job.frames_expected == job.frames + 1:
        await framing.close(session, job.id, job.frames_expected)
        await end(append, job.id, closed_by="sender")
    if found.counts["queued"]:
        await accepting.wake(session)
    return _accepted(ask, job, found.counts, granted.paid.get(job.id))


async def _granted(session: door.Session, ask: Ask, job: UUID, number: int) -> Granted:
    """Counts and pays for a frame; `_Refusal` when plan or credit don't allow that."""
    asked = await framing.asked(session, job) if ask.customer.limits else number
    claim = Claim(
        job,
        granting.use(ask, job, number, asked=asked, is_request=False),
        await credit.bill(session, job, grown_by=number),
    )
    result = await granting.granted(session, [claim])
    for fault in result.faults.values():
        raise _Refusal(fault)
    return result


async def _closed(append: Append, ask: Ask, job: OpenJob, frames: int) -> Verdict:
    """Takes effect once so many frames are in; what the job is made of is known then."""
    if await framing.close(append.session, job.id, frames):
        await end(append, job.id, closed_by="sender")
    now = await framing.standing(append.session, job.id)
    return _accepted(ask, job, events.asked(now.numbers))


def _accepted(
    ask: Ask,
    job: OpenJob,
    numbers: dict[str, int] | dict[str, int | None],
    paid: Paid | None = None,
) -> Verdict:
    answer = Accepted(
        command=ask.request.command,
        request_id=ask.request_id,
        job=job.id,
        counts=dict(numbers),
        money=money.told(paid),
        notices=ask.decoded.notices,
    )
    return Verdict(result="accepted", answer=answer)


def _refused(ask: Ask, code: Code, field: str, message: str) -> Verdict:
    return _refused_for(ask, Fault(code=code, field=field, message=message))


def _refused_for(ask: Ask, fault: Fault) -> Verdict:
    refused = Refused(faults=(fault,), command=ask.request.command, request_id=ask.request_id)
    return Verdict(result="refused", answer=refused)
