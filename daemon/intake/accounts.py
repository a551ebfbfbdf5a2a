"""`credit.get` and `credit.topup`: how an account stands, and what is paid in.

A customer looks at his own account and at those of customers below him. For a customer an ancestor
pays in, or whom the configuration trusts (`intake.trusted`): nobody for himself. The role of a
person must let him look at reports for the one, and do whatever is the system's for the other.
"""

from daemon.directory import credit as crediting
from daemon.directory.credit import Trouble
from daemon.intake import keys, reach, verdicts
from daemon.intake.ask import Ask, Verdict
from daemon.ledger.writer import Append
from daemon.mail.money import Kind
from daemon.mail.refusal import Code
from daemon.mail.request.commands import CreditGet, CreditTopup
from daemon.store import credit, door

LOOK, PAY = "view_reports", "system"

_NOT_FOR_ONESELF = "is for an ancestor of the customer, or for users that the configuration trusts"
_KEYLESS = "is required: by it the same payment is known again"


async def get(store: door.Store, ask: Ask, command: CreditGet) -> Verdict:
    """How an account stands."""
    async with store.session() as session:
        if no := await reach.forbidden(session, ask, LOOK, looks=True):
            return no
        customer = await reach.customer(session, ask, command.customer)
    if isinstance(customer, Verdict):
        return customer
    found = await credit.shown(store, customer)
    if found is None:
        return _unpaid(ask, Trouble.NO_ACCOUNT)
    return verdicts.done(ask, crediting.shown(found))


async def forbidden(store: door.Store, ask: Ask, command: CreditTopup) -> Verdict | None:
    """Why he may not pay in there; None when he may."""
    async with store.session() as session:
        if no := await reach.forbidden(session, ask, PAY):
            return no
        customer = await reach.customer(session, ask, command.customer)
    if isinstance(customer, Verdict):
        return customer
    if customer == ask.customer.id and not ask.is_trusted:
        return verdicts.refused(ask, Code.FORBIDDEN_ROLE, "", _NOT_FOR_ONESELF)
    if ask.request_id is None:
        return verdicts.refused(ask, Code.PARAM_MISSING, "request_id", _KEYLESS)
    return None


async def topup(append: Append, ask: Ask, command: CreditTopup) -> Verdict:
    """Pays in; he may, and there is a key."""
    customer = command.customer or ask.customer.id
    key = f"topup:{ask.customer.id}:{ask.request_id}"
    done = await crediting.entered(
        append.session, Kind.TOPUP, customer, command.amount, key=key, by=ask.by
    )
    if isinstance(done, Trouble):
        return keys.conflict(ask) if done is Trouble.CONFLICT else _unpaid(ask, done)
    await append.events(done.events)
    verdict = verdicts.done(ask, crediting.told(done))
    if done.is_repeated and verdict.answer:
        return Verdict(result="repeated", repeated=ask.back.text(verdict.answer))
    return verdict


def _unpaid(ask: Ask, trouble: Trouble) -> Verdict:
    if trouble is Trouble.NO_ACCOUNT:
        return verdicts.refused(ask, Code.NOT_FOUND, "customer", str(trouble))
    return verdicts.refused(ask, Code.PARAM_INVALID, "amount", str(trouble))
