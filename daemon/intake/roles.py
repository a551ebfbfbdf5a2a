"""What key and role of whoever asks must allow (requirements 2.9, Q9): said before anything else.

A customer that speaks as a whole (a broker user, a token without a person) may do whatever is his.
"""

from collections.abc import Mapping

from daemon.directory.principals import Principal
from daemon.mail.refusal import Code, Refused, refused
from daemon.mail.request import audience
from daemon.mail.request.commands import Cancel, Close, Extend, Pause, Reschedule, Resume
from daemon.mail.request.decode import Decoded
from daemon.mail.request.send import Send

SEND = "send_emails"
ACT = "act_for_subcustomers"
LISTS = "manage_lists"
TRANSPORTS = "manage_transports"
REPORTS = "view_reports"

OF_FAMILY = {
    "lists": LISTS,
    "suppressions": LISTS,
    "directory": "system",
    "senders": TRANSPORTS,
    "campaigns": SEND,
}
"""What keeping the things of a customer needs, by the family of the commands."""
_LOOKING = frozenset({"get", "list", "members"})
"""What the commands that only look are called."""

_STEERING: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("cancel", "pause", "resume", "reschedule", "doubt.resolve"), (SEND,)),
    **dict.fromkeys(("subscribe", "unsubscribe"), (SEND, LISTS)),
}
"""What changes mail that was accepted, or who gets any, and by which privileges: one will do."""
_ASKING = frozenset({"status", "deliveries", "doubt.list", "events.replay"})
"""What tells of mail. Whoever may look at sending, or at reports, may ask."""

_OUT_OF_SCOPE = "the key isn't meant for this command"
_MAY_NOT = "the role doesn't allow this"
_MAY_NOT_SEND = "the role doesn't allow sending"
_MAY_NOT_LIST = "the role doesn't allow making lists"
_MAY_NOT_ACT = "the role doesn't allow acting for other customers, or writing to theirs"


def forbidden(found: Decoded | Refused, who: Principal) -> Refused | None:
    """Why key or role of who asks doesn't allow the request; None when they do."""
    command = found.command if isinstance(found, Refused) else found.request.command
    if command is not None and not who.covers(command):
        return refused(Code.FORBIDDEN_ROLE, _OUT_OF_SCOPE)
    if not (_may_keep(command or "", who) and _may_steer(command or "", who)):
        return refused(Code.FORBIDDEN_ROLE, _MAY_NOT)
    if _sends(found) and not who.may(SEND):
        return refused(Code.FORBIDDEN_ROLE, _MAY_NOT_SEND)
    if isinstance(found, Decoded) and not who.may(ACT) and _is_for_others(found, who):
        return refused(Code.FORBIDDEN_ROLE, _MAY_NOT_ACT)
    if isinstance(found, Decoded) and _lists(found) and not who.may(LISTS):
        return refused(Code.FORBIDDEN_ROLE, _MAY_NOT_LIST)
    return None


def needed(command: str) -> str | None:
    """The privilege that changing things of a customer by a command needs; None of any other."""
    family, _, deed = command.partition(".")
    return None if deed in _LOOKING else OF_FAMILY.get(family)


def _may_keep(command: str, who: Principal) -> bool:
    """Whether he may keep the things of a customer that it is about, or look if it only looks."""
    family, _, deed = command.partition(".")
    privilege = OF_FAMILY.get(family)
    if privilege is None or who.may(privilege):
        return True
    return deed in _LOOKING and who.may_look(privilege)


def _may_steer(command: str, who: Principal) -> bool:
    """Whether he may do to accepted mail what it does, or ask of it what it asks."""
    if command in _ASKING:
        return who.may_look(SEND) or who.may_look(REPORTS)
    return command not in _STEERING or any(map(who.may, _STEERING[command]))


def _sends(found: Decoded | Refused) -> bool:
    if isinstance(found, Decoded):
        return isinstance(found.request, Send | Extend | Close)
    return found.command in {"send", "validate", "extend", "close"}


def _lists(found: Decoded) -> bool:
    """Whether it enters contacts."""
    return isinstance(found.request, Send) and found.request.create_list is not None


def _is_for_others(found: Decoded, who: Principal) -> bool:
    """Whether it is about other customers' people, or about mail for them."""
    command = found.request
    if isinstance(command, Cancel | Pause | Resume | Reschedule):
        return command.customer not in {None, who.customer.id}
    return acts(found, who)


def acts(found: Decoded, who: Principal) -> bool:
    """Whether it is a send that is about other customers than his own."""
    send = found.request
    if not isinstance(send, Send):
        return False
    is_foreign = send.act_as_customer not in {None, who.customer.id}
    return is_foreign or audience.is_below((*send.audience, *send.exclude))
