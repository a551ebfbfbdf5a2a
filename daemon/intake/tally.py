"""What intake counts of every parcel, and the line of log that a dead one gets."""

from daemon import logs, metrics
from daemon.intake.ask import Ask, Dead, Turned, Verdict
from daemon.mail.request.answers import Accepted

_log = logs.get("intake.tally")
_seldom = logs.Seldom()


def turned(queue: str, one: Turned | Dead) -> None:
    """A parcel that was turned away before anything was done."""
    if isinstance(one, Turned):
        metrics.parcels(queue, "refused").inc()
        metrics.requests(one.refused.command or "unknown", "refused").inc()
        return
    metrics.parcels(queue, "dead").inc()
    swallowed = _seldom.ask(one.reason.code)
    if swallowed is not None:
        _log.warning(
            "parcel.dead",
            queue=queue,
            reason=one.reason.code.value,
            customer_id=one.customer_id,
            swallowed=swallowed,
        )


def done(queue: str, ask: Ask, verdict: Verdict) -> None:
    """A request that was carried out, and whom a send of it reaches."""
    metrics.parcels(queue, verdict.result).inc()
    metrics.requests(ask.request.command, verdict.result).inc()
    match verdict.answer:
        case Accepted(dry_run=False, counts=numbers) if verdict.result == "accepted":
            for name, number in numbers.items():
                if number and name != "requested":
                    metrics.recipients(name).inc(number)
