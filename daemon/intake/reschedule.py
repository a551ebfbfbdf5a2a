"""Another due time for what has no permit yet, of a job, a branch of it, or one delivery."""

from dataclasses import replace
from datetime import datetime

from daemon.intake import control as controls
from daemon.intake import draft, events, verdicts
from daemon.intake.ask import Ask, Verdict
from daemon.ledger.writer import Append
from daemon.mail import plan, window
from daemon.mail.event import Event, Type
from daemon.mail.plan import Unfit
from daemon.mail.refusal import Code
from daemon.mail.request.commands import Reschedule
from daemon.mail.state import State
from daemon.store import accepting, control, directory, expanding
from daemon.store.control import Delivery, Job


async def reschedule(append: Append, ask: Ask, command: Reschedule) -> Verdict:
    """Moves what waits; what is deferred keeps its own time, unless it is asked for by name."""
    # before the job, as everywhere: whoever pauses a customer goes on to his jobs
    is_held = bool(await control.customer(append.session, ask.customer.id))
    if command.delivery is not None:
        return await _delivery(append, ask, command, is_held=is_held)
    job = command.job and await control.job(append.session, ask.customer.id, command.job)
    if not job:
        return verdicts.not_found(ask, "job")
    if job.is_finished or job.state in (*controls.ENDED, "canceled"):
        return verdicts.conflict(ask, "job", "has ended")
    if command.customer is not None:
        return await _branch(append, ask, command, job, is_held=is_held)
    return await _job(append, ask, command, job, is_held=is_held)


async def _job(
    append: Append, ask: Ask, command: Reschedule, job: Job, *, is_held: bool
) -> Verdict:
    if job.settings.get("recipient_local"):
        advice = "is sent at the local time of its recipients: only some of it can be moved"
        return verdicts.conflict(ask, "job", advice)
    wish = draft.wish(job.settings, command.not_before, job.expires_after)
    planned = plan.of(wish, append.at)
    if isinstance(planned, Unfit):
        return verdicts.refused(ask, Code.PARAM_INVALID, "not_before", _advice(planned))
    for one in await control.spreads(append.session, [job.id]):
        over = plan.going_on(planned, planned.spread or (), one.share)
        planned = replace(planned, spread=over)
    moved = await control.move(append.session, job.id, planned, paused=job.paused or is_held)
    await expanding.moved(append.session, job.id, planned.due_at)
    due, expiry = planned.due_at, planned.expires_at
    times = {"not_before": due.isoformat(), "expires_at": expiry.isoformat(), "moved": moved}
    event = events.of_job(Type.JOB_RESCHEDULED, ask.customer.id, job.id, **times)
    await append.events([event])
    await accepting.wake(append.session)
    return verdicts.done(ask, {"job": job.id, **times, "already_gone": job.queued - moved})


async def _branch(
    append: Append, ask: Ask, command: Reschedule, job: Job, *, is_held: bool
) -> Verdict:
    """Whoever was found at a customer of the asker's or below him; each waits by himself then."""
    assert command.customer is not None  # noqa: S101 - the caller sorts
    if not await directory.is_within(append.session, ask.customer.id, command.customer):
        return verdicts.not_found(ask, "customer")
    due = _due(ask, command, job, append.at, is_held=is_held)
    if isinstance(due, Verdict):
        return due
    branch = await control.move_branch(append.session, job.id, command.customer, due)
    result = {"job": job.id, "customer": command.customer}
    times = {"not_before": due.isoformat(), "moved": branch.number}
    event = events.of_job(
        Type.JOB_RESCHEDULED, ask.customer.id, job.id, customer=command.customer, **times
    )
    await append.events([event])
    await accepting.wake(append.session)
    return verdicts.done(ask, {**result, **times, "already_gone": branch.meant - branch.number})


def _advice(unfit: Unfit) -> str:
    is_its_own = unfit.field == "not_before"
    return unfit.message if is_its_own else f"doesn't fit: its `{unfit.field}` {unfit.message}"


async def _delivery(append: Append, ask: Ask, command: Reschedule, *, is_held: bool) -> Verdict:
    """One delivery gets a retry row of its own, or another time in the one it has."""
    assert command.delivery is not None  # noqa: S101 - the caller sorts
    found = await controls.located(append, ask, command.delivery)
    job = found and await control.job(append.session, ask.customer.id, found.job_id)
    if not found or not job:
        return verdicts.not_found(ask, "delivery")
    due = _due(ask, command, job, append.at, is_held=is_held)
    if isinstance(due, Verdict):
        return due
    return await _postponed(append, ask, found, due)


def _due(
    ask: Ask, command: Reschedule, job: Job, now: datetime, *, is_held: bool
) -> datetime | Verdict:
    """When some of a job would be due then; or why they can't be moved by themselves."""
    if job.paused or is_held:
        if command.delivery is None:
            return verdicts.conflict(ask, "job", "is paused, or its customer is")
        whose = "a job" if job.paused else "a customer"
        return verdicts.conflict(ask, "delivery", f"is of {whose} that is paused")
    due = window.opening(job.windows, max(command.not_before, now))
    if due is None or due >= job.expires_at:
        advice = "must be before the job's expiry"
        return verdicts.refused(ask, Code.PARAM_INVALID, "not_before", advice)
    return due


async def _postponed(append: Append, ask: Ask, found: Delivery, due: datetime) -> Verdict:
    letter = State(found.letter)
    if letter is State.WAITING:
        await control.defer(append.session, found, due)
    elif letter is State.DEFERRED and found.retry_id is not None:
        await control.move_retry(append.session, found.retry_id, due)
    else:
        return verdicts.conflict(ask, "delivery", f"is {letter.name.lower()}")
    await append.events([_moved(found, due)])
    await accepting.wake(append.session)
    return verdicts.done(ask, {"delivery": found.id, "not_before": due, "moved": 1})


def _moved(delivery: Delivery, due: datetime) -> Event:
    """Told of the delivery, as the step that it takes: without a try, so before all others."""
    return Event(
        type=Type.JOB_RESCHEDULED,
        customer_id=delivery.customer_id,
        job_id=delivery.job_id,
        message_id=delivery.message_id,
        delivery_id=delivery.id,
        attempt=delivery.attempt or 0,
        step=State.DEFERRED.step,
        address=delivery.address,
        next_at=due,
    )
