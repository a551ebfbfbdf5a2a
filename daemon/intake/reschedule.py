"""Another due time for what has no permit yet, of a job or of one delivery."""

from datetime import datetime

from daemon.intake import control as controls
from daemon.intake import events, verdicts
from daemon.intake.ask import Ask, Verdict
from daemon.ledger.writer import Append
from daemon.mail.event import Event, Type
from daemon.mail.refusal import Code
from daemon.mail.request.commands import Reschedule
from daemon.mail.state import State
from daemon.store import accepting, control
from daemon.store.control import Delivery


async def reschedule(append: Append, ask: Ask, command: Reschedule) -> Verdict:
    """Moves what waits; what is deferred keeps its own time, unless it is asked for by name."""
    if command.delivery is not None:
        return await _delivery(append, ask, command.delivery, command.not_before)
    job = command.job and await control.job(append.session, ask.customer.id, command.job)
    if not job:
        return verdicts.not_found(ask, "job")
    if job.is_finished or job.state in (*controls.ENDED, "canceled"):
        return verdicts.conflict(ask, "job", "has ended")
    moved, due, expiry = await control.move(append.session, job.id, command.not_before)
    times = {"not_before": due.isoformat(), "expires_at": expiry.isoformat(), "moved": moved}
    event = events.of_job(Type.JOB_RESCHEDULED, ask.customer.id, job.id, **times)
    await append.events([event])
    await accepting.wake(append.session)
    return verdicts.done(ask, {"job": job.id, **times, "already_gone": job.queued - moved})


async def _delivery(append: Append, ask: Ask, number: int, wanted: datetime) -> Verdict:
    """One delivery gets a retry row of its own, or another time in the one it has."""
    found = await controls.located(append, ask, number)
    job = found and await control.job(append.session, ask.customer.id, found.job_id)
    if not found or not job:
        return verdicts.not_found(ask, "delivery")
    due = max(wanted, append.at)
    if job.paused:
        return verdicts.conflict(ask, "delivery", "is of a job that is paused")
    if due >= job.expires_at:
        advice = "must be before the job's expiry"
        return verdicts.refused(ask, Code.PARAM_INVALID, "not_before", advice)
    letter = State(found.letter)
    if letter is State.WAITING:
        await control.defer(append.session, found, due)
    elif letter is State.DEFERRED and found.retry_id is not None:
        await control.move_retry(append.session, found.retry_id, due)
    else:
        return verdicts.conflict(ask, "delivery", f"is {letter.name.lower()}")
    await append.events([_moved(found, due)])
    await accepting.wake(append.session)
    return verdicts.done(ask, {"delivery": number, "not_before": due, "moved": 1})


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
