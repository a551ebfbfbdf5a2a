"""Which of a send's terms of time don't go together, or would have no effect."""

from daemon.mail.request.audience import Contacts, Members
from daemon.mail.request.findings import Findings
from daemon.mail.request.send import Send

_ALONE = ("send_window", "spread_over", "too_late")
"""What is told for one due time, and not for one in every zone."""


def check(send: Send, findings: Findings) -> None:
    """Finds every fault of them; each field by itself is fit already."""
    delivery = send.delivery
    if send.open and delivery.spread_over is not None:
        advice = "must not be given with `open`: how many there will be isn't known"
        findings.invalid(advice, "delivery", "spread_over")
    if delivery.recipient_local:
        _check_local(send, findings)


def _check_local(send: Send, findings: Findings) -> None:
    place = ("delivery", "recipient_local")
    if send.delivery.local is None:
        findings.invalid("must stand beside a `not_before` without offset", *place)
    if not any(isinstance(term, Contacts | Members) for term in send.audience):
        advice = "has no effect: only contacts have a zone, and the audience names none"
        findings.invalid(advice, *place)
    for name in _ALONE:
        if getattr(send.delivery, name) is not None:
            findings.invalid("must not be given with `recipient_local`", "delivery", name)
