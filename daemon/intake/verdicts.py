"""The few things that are said to a command again and again, as verdicts."""

from collections.abc import Mapping
from typing import Any

from daemon.intake.ask import Ask, Verdict
from daemon.mail.refusal import Code, Fault, Refused
from daemon.mail.request.answers import Done


def done(
    ask: Ask, result: Mapping[str, Any], *, delay: float = 0.0, unchanged: bool = False
) -> Verdict:
    """It is carried out, and this is to be said about it, `delay` seconds after the commit.

    Where everything was already as it was asked for, the answer says `unchanged`.
    """
    answer = Done(
        command=ask.request.command,
        request_id=ask.request_id,
        result={**result, "unchanged": True} if unchanged else result,
        notices=ask.decoded.notices,
    )
    return Verdict(result="answered", answer=answer, delay=delay)


def refused(ask: Ask, code: Code, field: str, message: str) -> Verdict:
    """It can't be done, for one reason."""
    return refused_for(ask, Fault(code=code, field=field, message=message))


def refused_for(ask: Ask, *faults: Fault) -> Verdict:
    """The same, for all of these."""
    answer = Refused(faults=faults, command=ask.request.command, request_id=ask.request_id)
    return Verdict(result="refused", answer=answer)


def not_found(ask: Ask, field: str) -> Verdict:
    """The asker has nothing of this name; whether somebody else has isn't said."""
    return refused(ask, Code.NOT_FOUND, field, "names nothing of yours")


def conflict(ask: Ask, field: str, message: str) -> Verdict:
    """It is too late, or too early, for this."""
    return refused(ask, Code.STATE_CONFLICT, field, message)
