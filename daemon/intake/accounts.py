"""`credit.get` and `credit.topup`: how an account stands, and what is paid in.

Anybody looks at his own account and at those of customers below him. For a customer an ancestor
pays in, or whom the configuration trusts (`intake.trusted`): nobody for himself.
"""

from daemon.directory import credit as crediting
from daemon.directory.credit import Trouble
from daemon.intake import keys, verdicts
from daemon.intake.ask import Ask, Verdict
from daemon.ledger.writer import Append
from daemon.mail.money import Kind
from daemon.mail.refusal import Code
from daemon.mail.request.commands import CreditGet, CreditTopup
from daemon.store import credit, directory, door

_NOT_FOR_ONESELF = "is for an ancestor of the customer, or for users that the configuration trusts"
_KEYLESS = "is required: by it the same payment is known again"


async def get(store: door.Store, ask: Ask, command: CreditGet) -> Verdict:
    """How an account stands."""
    customer = command.customer or ask.customer.id
    if not await _is_visible(store, ask, customer):
        return verdicts.not_found(ask, "customer")
    found = await credit.shown(store, customer)
    if found is None:
        return _unpaid(ask, Trouble.NO_ACCOUNT)
    return verdicts.done(ask, crediting.shown(found))


async def forbidden(store: door.Store, ask: Ask, command: CreditTopup) -> Verdict | None:
    """Why he may not pay in there; None when he may."""
    customer = command.customer or ask.customer.id
    if not await _is_visible(store, ask, customer):
        return verdicts.not_found(ask, "customer")
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


async def _is_visible(store: door.Store, ask: Ask, customer: int) -> bool:
    own = ask.customer.id
    return customer == own or await directory.is_above(store, own, customer)
