"""Cancel, pause and resume: each in one transaction, each the same however often it is asked for.

What has a permit when the transaction commits may still start for as long as the permit is valid;
that is why the answer waits so long: nothing starts after it (design 2.6).
"""

from uuid import UUID

from daemon.intake import events, verdicts
from daemon.intake.ask import Ask, Terms, Verdict
from daemon.ledger.writer import Append
from daemon.mail import ids, money, plan, settle
from daemon.mail.event import Event, Type
from daemon.mail.outcome import Verdict as Said
from daemon.mail.outcome import Withheld
from daemon.mail.plan import Plan
from daemon.mail.request.commands import Cancel, Pause, Resume
from daemon.mail.retry import Schedule
from daemon.mail.standing import Fact
from daemon.mail.state import State
from daemon.store import accepting, control, directory, errors, framing, settling
from daemon.store.control import Delivery, Job

ENDED = frozenset({"completed", "failed"})
"""States of a job in which nothing can be changed any more; canceled says so itself."""


async def cancel(append: Append, ask: Ask, command: Cancel, terms: Terms) -> Verdict:
    """Takes back whatever of a job, or of one delivery, has no permit."""
    if command.delivery is not None:
        return await _cancel_delivery(append, ask, command.delivery, terms)
    job = command.job and await control.job(append.session, ask.customer.id, command.job)
    if not job:
        return verdicts.not_found(ask, "job")
    if job.state in ENDED:
        return verdicts.conflict(ask, "job", "has ended")
    if command.customer is not None:
        return await _cancel_branch(append, ask, job, command.customer, terms)
    was_canceled = job.state == "canceled"
    if was_canceled:
        number, refund = await control.canceled(append.session, job.id)
    else:
        number, refund = await _cancel_job(append, ask, job)
    result = {
        "job": job.id,
        "canceled": number,
        "already_gone": job.queued - number,
        **_refund(refund),
    }
    return verdicts.done(ask, result, delay=terms.permit_window, unchanged=was_canceled)


def _refund(amount: str | None) -> dict[str, str]:
    """What goes back to who pays; nothing where nobody does."""
    return {} if amount is None else {"refund": amount}


async def _cancel_job(append: Append, ask: Ask, job: Job) -> tuple[int, str | None]:
    """Answers how many were taken back, and what that gives back."""
    number, is_finished = await control.cancel(append.session, job.id)
    refund = money.refund(job.queued - job.released, number, job.price)
    data = {"canceled": number, **_refund(refund)}
    told = [events.of_job(Type.JOB_CANCELED, ask.customer.id, job.id, **data)]
    if is_finished:
        told.append(events.completed(await framing.standing(append.session, job.id)))
    await append.events(told)
    return number, refund


async def _cancel_branch(
    append: Append, ask: Ask, job: Job, customer: int, terms: Terms
) -> Verdict:
    """Of a job whoever was found at a customer of the asker's or below him; the others go on."""
    if not await directory.is_within(append.session, ask.customer.id, customer):
        return verdicts.not_found(ask, "customer")
    branch = await control.cancel_branch(append.session, job.id, customer)
    number, refund = (
        branch.number,
        money.refund(job.queued - job.released, branch.number, job.price),
    )
    if number:
        data = {"customer": customer, "canceled": number, **_refund(refund)}
        told = [events.of_job(Type.JOB_CANCELED, ask.customer.id, job.id, **data)]
        if branch.is_finished:
            told.append(events.completed(await framing.standing(append.session, job.id)))
        await append.events(told)
    else:
        number, refund = await control.canceled(append.session, job.id, customer)
    result = {"job": job.id, "customer": customer, "canceled": number, **_refund(refund)}
    result |= {"already_gone": branch.meant - number, "under_way": branch.under_way}
    unchanged = not branch.number
    return verdicts.done(ask, result, delay=terms.permit_window, unchanged=unchanged)


async def _cancel_delivery(append: Append, ask: Ask, number: int, terms: Terms) -> Verdict:
    """As if its permit had refused it: settle knows what follows."""
    found = await located(append, ask, number)
    if found is None:
        return verdicts.not_found(ask, "delivery")
    letter = State(found.letter)
    was_canceled = letter is State.CANCELED
    if letter in (State.WAITING, State.DEFERRED):
        await _withhold(append, found)
    elif not was_canceled:
        return verdicts.conflict(ask, "delivery", f"is {letter.name.lower()}")
    result = {"delivery": number, "canceled": 1}
    return verdicts.done(ask, result, delay=terms.permit_window, unchanged=was_canceled)


async def located(append: Append, ask: Ask, number: int) -> Delivery | None:
    """One delivery of the asker's, its job and its batch locked."""
    batch, position = ids.place_of(number)
    job = await control.job_of(append.session, ask.customer.id, batch)
    if job is None or await control.job(append.session, ask.customer.id, job) is None:
        return None
    return await control.delivery(append.session, job, batch=batch, position=position)


async def _withhold(append: Append, delivery: Delivery) -> None:
    fact = Fact(
        delivery_id=delivery.id,
        job_id=delivery.job_id,
        customer_id=delivery.customer_id,
        message_id=delivery.message_id,
        address=delivery.address,
        attempt=(delivery.attempt or 0) + 1,
        epoch=delivery.epoch if delivery.retry_epoch is None else delivery.retry_epoch,
        retry_id=delivery.retry_id,
        outcome=Withheld(verdict=Said.CANCELED),
        path=delivery.path,
    )
    locked = await settling.locked(append.session, [fact])
    ground = settle.Ground(
        batches=locked.batches,
        retries=locked.retries,
        jobs=locked.jobs,
        schedule=Schedule(),
        now=append.at,
        chance=lambda: 0.0,
    )
    settlement = settle.settle([fact], ground)
    if not settlement.moves:
        raise errors.Again("its retry row was claimed meanwhile")
    await append.events(settlement.events)
    await settling.write(append.session, settlement, locked)


async def pause(append: Append, ask: Ask, command: Pause, terms: Terms) -> Verdict:
    """Nothing more of a job, or of all the asker's jobs, starts until it is resumed."""
    if command.customer is not None:
        return await _pause_customer(append, ask, command.customer, terms)
    job = command.job and await control.job(append.session, ask.customer.id, command.job)
    if not job:
        return verdicts.not_found(ask, "job")
    if _is_over(job):
        return verdicts.conflict(ask, "job", "has ended")
    if not job.paused:
        await control.flag(append.session, job.id, paused=True)
        await control.hold(append.session, [job.id])
        await append.events([events.of_job(Type.JOB_PAUSED, ask.customer.id, job.id)])
    result = {"job": job.id, "paused": True}
    return verdicts.done(ask, result, delay=terms.permit_window, unchanged=job.paused)


async def _pause_customer(append: Append, ask: Ask, number: int, terms: Terms) -> Verdict:
    paused = await _customer(append, ask, number)
    if paused is None:
        return verdicts.not_found(ask, "customer")
    if not paused:
        await control.flag_customer(append.session, number, paused=True)
        await control.hold(append.session, await control.jobs_of(append.session, number))
        await append.events([_of_customer(Type.JOB_PAUSED, number)])
    result = {"customer": number, "paused": True}
    return verdicts.done(ask, result, delay=terms.permit_window, unchanged=paused)


async def resume(append: Append, ask: Ask, command: Resume) -> Verdict:
    """The end of a pause: what waits is due at its time, what was deferred at once."""
    if command.customer is not None:
        return await _resume_customer(append, ask, command.customer)
    # before the job, as everywhere: whoever pauses a customer goes on to his jobs
    is_held = await control.customer(append.session, ask.customer.id)
    job = command.job and await control.job(append.session, ask.customer.id, command.job)
    if not job:
        return verdicts.not_found(ask, "job")
    if _is_over(job):
        return verdicts.conflict(ask, "job", "has ended")
    if job.paused:
        await control.flag(append.session, job.id, paused=False)
        if not is_held:
            await _free(append, [job.id])
        await append.events([events.of_job(Type.JOB_RESUMED, ask.customer.id, job.id)])
    return verdicts.done(ask, {"job": job.id, "paused": False}, unchanged=not job.paused)


async def _resume_customer(append: Append, ask: Ask, number: int) -> Verdict:
    paused = await _customer(append, ask, number)
    if paused is None:
        return verdicts.not_found(ask, "customer")
    if paused:
        await control.flag_customer(append.session, number, paused=False)
        await _free(append, await control.jobs_of(append.session, number))
        await append.events([_of_customer(Type.JOB_RESUMED, number)])
    return verdicts.done(ask, {"customer": number, "paused": False}, unchanged=not paused)


async def _free(append: Append, jobs: list[UUID]) -> None:
    for one in await control.spreads(append.session, jobs):
        if one.due_at < append.at:  # what a pause has held up would all be due at once
            now = Plan(due_at=append.at, expires_at=one.expires_at, windows=one.windows)
            over = plan.going_on(now, one.whole, one.share)
            await control.spread(append.session, one.id, over)
    await control.free(append.session, jobs)
    await accepting.wake(append.session)


async def _customer(append: Append, ask: Ask, number: int) -> bool | None:
    """Whether he is paused; a customer speaks for himself only."""
    if number != ask.customer.id:
        return None
    return await control.customer(append.session, number)


def _of_customer(kind: Type, number: int) -> Event:
    return events.of_job(kind, number, None, customer=number)


def _is_over(job: Job) -> bool:
    return job.state in ENDED or job.state == "canceled"
