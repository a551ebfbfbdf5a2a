"""How far somebody reaches who asks about what belongs to customers (Q9).

A customer reaches what is his, and what is of customers below him. For somebody of his the role
says what he may do, and whether for others too: that is said first, and the same whether they are
there. Anything out of reach is answered as what isn't there at all.
"""

from daemon.intake import verdicts
from daemon.intake.ask import Ask, Verdict
from daemon.mail.refusal import Code
from daemon.store import directory, door, rights

ACT = "act_for_subcustomers"

_NOT_HIS = "the role doesn't allow this"
_NOT_FOR_OTHERS = "the role doesn't allow acting for other customers"


async def forbidden(
    session: door.Session, ask: Ask, privilege: str, *, looks: bool = False
) -> Verdict | None:
    """Why his role doesn't let him do it; None when it does. A customer as a whole may."""
    if ask.person_id is None:
        return None
    found = await rights.access(session, ask.person_id, privilege)
    if found == rights.FULL or (looks and found == rights.LOOK):
        return None
    return verdicts.refused(ask, Code.FORBIDDEN_ROLE, "", _NOT_HIS)


async def customer(
    session: door.Session, ask: Ask, named: int | None, *, field: str = "customer"
) -> int | Verdict:
    """The customer that it is about: the asker's own, or one within his reach."""
    own = ask.customer.id
    if named is None or named == own:
        return own
    if ask.person_id is not None and not await _acts(session, ask.person_id):
        return verdicts.refused(ask, Code.FORBIDDEN_ROLE, field, _NOT_FOR_OTHERS)
    is_below = await directory.is_above(session, own, named)
    return named if is_below else verdicts.not_found(ask, field)


async def is_his(session: door.Session, ask: Ask, owner: int) -> bool:
    """Whether what belongs to a customer is within his reach."""
    if owner == ask.customer.id:
        return True
    if ask.person_id is not None and not await _acts(session, ask.person_id):
        return False
    return await directory.is_above(session, ask.customer.id, owner)


async def is_shared(session: door.Session, ask: Ask, owner: int) -> bool:
    """Whether it belongs to somebody above him, who shares it downwards."""
    return await directory.is_above(session, owner, ask.customer.id)


async def _acts(session: door.Session, person: int) -> bool:
    return await rights.access(session, person, ACT) == rights.FULL
