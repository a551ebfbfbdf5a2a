"""What operators read of settled attempts: a `delivery` line in Postfix's words, and counts."""

import random

from daemon import logs, metrics
from daemon.mail import outcome
from daemon.mail.event import Type
from daemon.mail.settle import Settlement
from daemon.mail.standing import Fact
from daemon.mail.state import State

_log = logs.get("dispatch.delivery")


def tell(settlement: Settlement, *, sample: float) -> None:
    """Counts what a commit has settled, and logs it: of what was sent, a share of `sample`."""
    metrics.repeated.inc(sum(event.type is Type.DELIVERY_REPEATED for event in settlement.events))
    for fact, _, became in settlement.moves:
        metrics.deliveries(became.name.lower()).inc()
        if not isinstance(fact.outcome, outcome.Withheld):
            _count(fact)
            if became is not State.SENT or random.random() < sample:  # noqa: S311
                _line(fact, became)
    if settlement.doubts:
        metrics.doubts.inc(len(settlement.doubts))


def _count(fact: Fact) -> None:
    reason = getattr(fact.outcome, "reason", "")
    metrics.attempts(type(fact.outcome).__name__.lower(), reason).inc()
    metrics.attempt_seconds.observe(fact.took)


def _line(fact: Fact, became: State) -> None:
    result = fact.outcome
    reply = getattr(result, "reply", None)
    reason = getattr(result, "reason", "")
    _log.info(
        "delivery",
        delivery_id=fact.delivery_id,
        job_id=str(fact.job_id),
        recipient=fact.address,
        attempt=fact.attempt,
        relay=getattr(result, "relay", None),
        delay=round(fact.took, 3),
        dsn=reply.enhanced if reply else None,
        status=became.name.lower(),
        reply=str(reply) if reply else reason,
    )
