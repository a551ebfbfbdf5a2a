"""Any single request is carried out here: what it asks for decides which room answers.

Whatever changes something does so in one transaction of a writer, with its events; a refusal is
told in the same transaction and changes nothing else.
"""

from dataclasses import dataclass
from datetime import datetime
from random import Random

from daemon.intake import (
    accept,
    accounts,
    campaigns,
    control,
    doubts,
    events,
    frames,
    inquiries,
    lists,
    registering,
    reschedule,
    senders,
    subscriptions,
    suppressing,
)
from daemon.intake.ask import Ask, Terms, Verdict
from daemon.intake.express import Express
from daemon.intake.replaying import Replays
from daemon.intake.writers import Writers
from daemon.ledger.writer import Append
from daemon.mail.refusal import Refused
from daemon.mail.request import commands, keeping
from daemon.mail.request.send import Send
from daemon.store import door


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What requests are carried out with."""

    store: door.Store
    writers: Writers
    replays: Replays
    terms: Terms
    chance: Random
    express: Express | None = None
    """Takes what it can right from its accept; None = another instance delivers."""


async def group(means: Means, asks: list[Ask]) -> list[Verdict]:
    """Accepts sends together; all have different keys."""
    if means.express is None:
        async with means.writers.transaction() as append:
            return await accept.group(append, asks, means.terms, means.chance)
    with means.express.trip() as trip:
        async with means.writers.transaction() as append:
            verdicts = await accept.group(append, asks, means.terms, means.chance, trip)
        trip.arrive()
    return verdicts


async def alone(means: Means, ask: Ask, now: datetime) -> Verdict:
    """Carries out one request, whatever it is."""
    if isinstance(ask.request, Send) and not ask.request.dry_run:
        return (await group(means, [ask]))[0]
    verdict = await _asked(means, ask, now)
    if verdict is not None:
        return await _told(means, ask, verdict)
    async with means.writers.transaction() as append:
        changed = await _changed(append, ask, means.terms)
        if isinstance(changed.answer, Refused):
            await append.events([events.rejected(ask, changed.answer)])
        return changed


async def _asked(  # noqa: PLR0911 - a table
    means: Means, ask: Ask, now: datetime
) -> Verdict | None:
    """What only asks needs no transaction of a writer; None = it changes something."""
    match ask.request:
        case Send(dry_run=True):
            return await accept.rehearsed(means.store, ask, means.terms, means.chance)
        case commands.Status(campaign=int()) as command:
            return await campaigns.status(means.store, ask, command)
        case commands.Status() as command:
            return await inquiries.status(means.store, ask, command)
        case commands.Deliveries() as command:
            return await inquiries.deliveries(means.store, ask, command)
        case commands.DoubtList() as command:
            return await inquiries.doubts(means.store, ask, command)
        case commands.EventsReplay() as command:
            return await means.replays.ask(ask, command, now)
    return await _looked_up(means.store, ask)


async def _looked_up(  # noqa: PLR0911 - a table
    store: door.Store, ask: Ask
) -> Verdict | None:
    """What belongs to customers is looked at, or can't be changed by whoever asks."""
    match ask.request:
        case keeping.ListsList() | keeping.ListsMembers() as command:
            return await lists.looked(store, ask, command)
        case commands.CreditGet() as command:
            return await accounts.get(store, ask, command)
        case commands.CreditTopup() as command:
            return await accounts.forbidden(store, ask, command)
        case keeping.SuppressionsList() as command:
            return await suppressing.listed(store, ask, command)
        case keeping.DirectoryGet() | keeping.DirectoryList() as command:
            return await registering.looked(store, ask, command)
        case keeping.SendersList() | keeping.SendersGet() as command:
            return await senders.looked(store, ask, command)
        case keeping.CampaignsList() | keeping.CampaignsGet() as command:
            return await campaigns.looked(store, ask, command)
    return None


async def _changed(append: Append, ask: Ask, terms: Terms) -> Verdict:  # noqa: PLR0911 - a table
    match ask.request:
        case commands.Cancel() as command:
            return await control.cancel(append, ask, command, terms)
        case commands.Pause() as command:
            return await control.pause(append, ask, command, terms)
        case commands.Resume() as command:
            return await control.resume(append, ask, command)
        case commands.Reschedule() as command:
            return await reschedule.reschedule(append, ask, command)
        case commands.Unsubscribe() as command:
            return await subscriptions.unsubscribe(append, ask, command, terms)
        case commands.Subscribe() as command:
            return await subscriptions.subscribe(append, ask, command)
        case commands.DoubtResolve() as command:
            return await doubts.resolve(append, ask, command)
    return await _kept(append, ask, terms) or await frames.entered(append, ask, terms)


async def _kept(  # noqa: PLR0911 - a table
    append: Append, ask: Ask, terms: Terms
) -> Verdict | None:
    """What belongs to customers is changed."""
    match ask.request:
        case commands.CreditTopup() as command:
            return await accounts.topup(append, ask, command)
        case keeping.ListsCreate() | keeping.ListsImport() | keeping.ListsDelete() as command:
            return await lists.changed(append, ask, command, terms)
        case keeping.SuppressionsAdd() as command:
            return await suppressing.add(append, ask, command, terms)
        case keeping.SuppressionsLift() as command:
            return await suppressing.lift(append, ask, command)
        case keeping.DirectoryPut() | keeping.DirectoryDelete() as command:
            return await registering.changed(append, ask, command)
        case keeping.SendersPut() | keeping.SendersDelete() as command:
            return await senders.changed(append, ask, command, terms)
        case (
            keeping.CampaignsCreate()
            | keeping.CampaignsActivate()
            | keeping.CampaignsDeactivate() as command
        ):
            return await campaigns.changed(append, ask, command, terms)
    return None


async def _told(means: Means, ask: Ask, verdict: Verdict) -> Verdict:
    """A refusal is told, also where there was no transaction."""
    if isinstance(verdict.answer, Refused):
        async with means.writers.transaction() as append:
            await append.events([events.rejected(ask, verdict.answer)])
    return verdict
