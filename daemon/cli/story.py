"""What is on record, in words: each event of a job or of a delivery as one sentence. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from daemon.cli import words
from daemon.delivery.courier import OF_THE_RELAY, Reason
from daemon.mail import counts
from daemon.mail.event import Type
from daemon.store.operator import Fact

_REASONS: Mapping[str, str] = OF_THE_RELAY | {
    Reason.DROPPED: "the connection broke",
    Reason.TIMEOUT: "it took too long",
    Reason.GARBLED: "the reply made no sense",
    Reason.EARLY: "a reply came before we had asked",
    Reason.FENCED: "held back, as our lease had ended",
    Reason.STOPPED: "we were stopping",
    Reason.FILE: "the file couldn't be written",
    Reason.ADDRESS: "the address can't be put on the wire",
    Reason.SENDER_ADDRESS: "the sender's address can't be put on the wire",
    Reason.CONTENT: "the message can't be put on the wire",
    Reason.COMPOSING: "it couldn't be composed, by a fault of ours",
    Reason.EIGHT_BIT: "the relay doesn't take 8-bit mail",
    "died": "the process died before the reply was on record",
    "doubt": "given up, as nobody knows whether it was taken",
}
"""Reasons that no reply tells, for people. Others stand as they are."""


def told(fact: Fact) -> str:
    """Whether the world knows of it."""
    if fact.type == Type.DELIVERY_REPEATED:
        return "never told"
    return "told" if fact.is_told else "not told yet"


def sentence(fact: Fact) -> str:
    """What happened. An event of a type that this program doesn't know is told by its type."""
    speak = _WORDS.get(fact.type)
    said = speak(fact) if speak else fact.type
    return f"attempt {fact.attempt}: {said}" if fact.attempt else said


def numbers(values: Mapping[str, Any]) -> str:
    """A job's numbers: what was asked for and queued, and all others that aren't 0."""
    shown = [name for name in counts.ALL if values.get(name) or name in ("requested", "queued")]
    return ", ".join(
        f"{values[name]:,} {name.replace('_', ' ')}"
        for name in shown
        if values.get(name) is not None
    )


def reply(fact: Fact) -> str:
    """What the server said: `451 4.7.1 Greylisted`; else our own word for what happened."""
    said = " ".join(str(part) for part in (fact.code, fact.enhanced, fact.text) if part)
    return said or cause(fact.data) or "no reply"


def cause(data: Mapping[str, Any]) -> str:
    """Why a try went wrong that no server replied to: `no connection: connection refused`."""
    reason: Any = data.get("reason") or ""
    return ": ".join(filter(None, (_REASONS.get(reason, reason), data.get("why", ""))))


def manner(fact: Fact) -> str:
    """How a try went beside its reply: `, under TLSv1.3, in 42 ms`; empty where it isn't known."""
    took, tls = fact.data.get("took"), fact.data.get("tls")
    was_open = fact.data.get("reason") not in OF_THE_RELAY  # else nothing was said under anything
    secured = f"under {tls}" if tls else "in the clear" if was_open else ""
    parts = [secured] if fact.relay and took and secured else []
    return "".join(f", {part}" for part in [*parts, *([_in(took)] if took else [])])


def _in(seconds: float) -> str:
    return f"in {seconds * 1000:.0f} ms" if seconds < 1 else f"in {seconds:.1f} s"


def _at_relay(verb: str) -> Callable[[Fact], str]:
    def speak(fact: Fact) -> str:
        where = f" {fact.relay}" if fact.relay else ""
        return f"{verb}{where}: {reply(fact)}{manner(fact)}"

    return speak


def _deferred(fact: Fact) -> str:
    by = f" by {fact.relay}" if fact.relay else ""
    again = f"; next try at {words.moment(fact.next_at)}" if fact.next_at else ""
    return f"deferred{by}: {reply(fact)}{manner(fact)}{again}"


def _in_doubt(fact: Fact) -> str:
    at = f" at {fact.relay}" if fact.relay else ""
    policy = fact.data.get("policy", "unknown")
    return f"in doubt{at} ({reply(fact)}){manner(fact)}: its policy is {policy}"


def _with_numbers(verb: str) -> Callable[[Fact], str]:
    def speak(fact: Fact) -> str:
        found = numbers(fact.data.get("counts", {}))
        return f"{verb}: {found}" if found else verb

    return speak


def _expanded(fact: Fact) -> str:
    """An open job is closed by somebody; an audience that was put off is found."""
    return _with_numbers("closed" if "closed_by" in fact.data else "audience found")(fact)


def _expired(fact: Fact) -> str:
    """At a permit nobody is asked any more; after a deferral the last reply is known."""
    return f"expired, last said: {reply(fact)}" if fact.code or fact.data else "expired"


def _canceled(fact: Fact) -> str:
    if wrong := fact.data.get("errors"):
        return f"nothing of it is sent: {'; '.join(error['message'] for error in wrong)}"
    count = fact.data.get("canceled")
    return "canceled" if count is None else f"canceled: {count:,} taken back{_branch(fact)}"


def _branch(fact: Fact) -> str:
    """Which part of a job it was about."""
    customer = fact.data.get("customer")
    return "" if customer is None else f", of customer {customer} and below"


def _rescheduled(fact: Fact) -> str:
    due = fact.data.get("not_before")
    to = f" to {words.moment(datetime.fromisoformat(due))}" if due else ""
    return f"rescheduled{to}{_branch(fact)}"


def _plain(text: str) -> Callable[[Fact], str]:
    return lambda _: text


_WORDS: Mapping[str, Callable[[Fact], str]] = MappingProxyType(
    {
        Type.JOB_ACCEPTED: _with_numbers("accepted"),
        Type.JOB_EXPANDED: _expanded,
        Type.JOB_STARTED: _plain("started"),
        Type.JOB_COMPLETED: _with_numbers("completed"),
        Type.JOB_CANCELED: _canceled,
        Type.JOB_RESCHEDULED: _rescheduled,
        Type.JOB_PAUSED: _plain("paused"),
        Type.JOB_RESUMED: _plain("resumed"),
        Type.DELIVERY_SENT: _at_relay("handed to"),
        Type.DELIVERY_DEFERRED: _deferred,
        Type.DELIVERY_BOUNCED: _at_relay("refused for good by"),
        Type.DELIVERY_FAILED: _at_relay("failed"),
        Type.DELIVERY_EXPIRED: _expired,
        Type.DELIVERY_SUPPRESSED: _plain("held back: its address is suppressed"),
        Type.DELIVERY_CANCELED: _plain("canceled before it started"),
        Type.DELIVERY_IN_DOUBT: _in_doubt,
        Type.DELIVERY_REPEATED: _at_relay("a fact came too late to change anything, from"),
    }
)
