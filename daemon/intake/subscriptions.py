"""Whether an address wants mail: `unsubscribe` and `subscribe`, for everything of a customer."""

from daemon.intake import verdicts
from daemon.intake.ask import Ask, Terms, Verdict
from daemon.ledger.writer import Append
from daemon.mail.event import Event, Type
from daemon.mail.request.commands import Subscribe, Unsubscribe
from daemon.store import suppressions


async def unsubscribe(append: Append, ask: Ask, command: Unsubscribe, terms: Terms) -> Verdict:
    """No more marketing to this address; the answer comes when none can start any more."""
    new = await suppressions.unsubscribed(
        append.session,
        ask.customer.id,
        command.address.lower(),
        reason=command.reason,
        source="api",
    )
    if new:
        await append.events([_event(Type.ENGAGEMENT_UNSUBSCRIBED, ask, command)])
    return verdicts.done(ask, {"changed": new}, delay=terms.permit_window, unchanged=not new)


async def subscribe(append: Append, ask: Ask, command: Subscribe) -> Verdict:
    """Lifts unsubscriptions, and nothing else: a hard bounce stays one (Q23)."""
    lifted = await suppressions.resubscribed(
        append.session, ask.customer.id, command.address.lower()
    )
    if lifted:
        await append.events([_event(Type.ENGAGEMENT_RESUBSCRIBED, ask, command)])
    return verdicts.done(ask, {"changed": bool(lifted)}, unchanged=not lifted)


def _event(kind: Type, ask: Ask, command: Unsubscribe | Subscribe) -> Event:
    reason = command.reason if isinstance(command, Unsubscribe) else None
    data = {"source": "api", "request_id": ask.request_id, "reason": reason}
    return Event(
        type=kind,
        customer_id=ask.customer.id,
        address=command.address,
        data={name: value for name, value in data.items() if value is not None},
    )
