"""What operators read of settled attempts: a `delivery` line in Postfix's words, and counts."""

import random
from collections import Counter

from daemon import logs, metrics
from daemon.mail import outcome
from daemon.mail.event import Type
from daemon.mail.settle import Settlement
from daemon.mail.standing import Fact
from daemon.mail.state import State


def tell(settlement: Settlement, *, sample: float) -> None:
    """Counts what a commit has settled, and logs it: of what was sent, a share of `sample`."""
    _count(settlement)
    tried = [
        (fact, became)
        for fact, _, became in settlement.moves
        if not isinstance(fact.outcome, outcome.Withheld)
    ]
    for fact, _ in tried:
        metrics.attempt_seconds.observe(fact.took)
    logs.each(
        "dispatch.delivery",
        "delivery",
        (
            _fields(fact, became)
            for fact, became in tried
            if became is not State.SENT or random.random() < sample  # noqa: S311
        ),
    )


def _count(settlement: Settlement) -> None:
    metrics.repeated.inc(sum(event.type is Type.DELIVERY_REPEATED for event in settlement.events))
    metrics.doubts.inc(len(settlement.doubts))
    for state, number in Counter(became for _, _, became in settlement.moves).items():
        metrics.deliveries(state.name.lower()).inc(number)
    tries = Counter(
        (_word(fact.outcome), getattr(fact.outcome, "reason", ""))
        for fact, _, _ in settlement.moves
        if not isinstance(fact.outcome, outcome.Withheld)
    )
    for labels, number in tries.items():
        metrics.attempts(*labels).inc(number)


def _word(result: object) -> str:
    return "in_doubt" if isinstance(result, outcome.InDoubt) else type(result).__name__.lower()


def _reason(result: object) -> str:
    """Our own word for what happened, and the system's where it had some."""
    return ": ".join(filter(None, (getattr(result, name, "") for name in ("reason", "why"))))


def _fields(fact: Fact, became: State) -> dict[str, object]:
    result = fact.outcome
    reply = getattr(result, "reply", None)
    return {
        "delivery_id": fact.delivery_id,
        "job_id": str(fact.job_id),
        "recipient": fact.address,
        "attempt": fact.attempt,
        "relay": getattr(result, "relay", None),
        "delay": round(fact.took, 3),
        "dsn": reply.enhanced if reply else None,
        "status": became.name.lower(),
        "reply": str(reply) if reply else _reason(result),
    }
