"""What the plan of whoever asks must allow (Q9).

Features are told before what is wrong with the content. Amounts are known, and counted, only once
all is stored: see `granting`.
"""

from daemon.directory.principals import Principal
from daemon.intake import roles
from daemon.mail.refusal import Code, Refused, refused
from daemon.mail.request.commands import Extend
from daemon.mail.request.decode import Decoded
from daemon.mail.request.send import Send

_MAY_NOT = "the plan doesn't allow this"
_MAY_NOT_SEND = "the plan doesn't allow sending"
_MAY_NOT_ACT = "the plan doesn't allow acting for other customers, or writing to theirs"


def forbidden(found: Decoded | Refused, who: Principal) -> Refused | None:
    """Why his customer's plan doesn't allow the request at all; None when it does."""
    denied = who.customer.denied
    if roles.SEND in denied and _sends(found):
        return refused(Code.FORBIDDEN_PLAN, _MAY_NOT_SEND)
    if roles.ACT in denied and isinstance(found, Decoded) and roles.acts(found, who):
        return refused(Code.FORBIDDEN_PLAN, _MAY_NOT_ACT)
    command = found.command if isinstance(found, Refused) else found.request.command
    if command and roles.needed(command) in denied:
        return refused(Code.FORBIDDEN_PLAN, _MAY_NOT)
    return None


def _sends(found: Decoded | Refused) -> bool:
    """What is open may always be closed."""
    if isinstance(found, Decoded):
        return isinstance(found.request, Send | Extend)
    return found.command in {"send", "validate", "extend"}
