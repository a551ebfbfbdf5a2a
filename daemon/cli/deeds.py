"""What came of a command that changes something, in a sentence. Pure.

Each may be asked for again; a repeat that found nothing to change says so, and is no failure.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from daemon.cli import words

Answer = Mapping[str, Any]


def said(answer: Answer) -> str:
    """The sentence for a positive answer."""
    command = answer.get("command", "request")
    if answer.get("unchanged") and command in _UNCHANGED:
        return f"nothing changed: {_UNCHANGED[command](answer)}"
    speak = _DONE.get(command)
    return speak(answer) if speak else f"{command}: done"


def _deliveries(count: int) -> str:
    return words.number(count, "delivery", "deliveries")


def _whose(answer: Answer) -> str:
    """What it was about."""
    for name in ("job", "delivery", "customer"):
        if name in answer:
            return f"{name} {answer[name]}"
    return "it"


def _branch(answer: Answer) -> str:
    """Which part of a job it was about."""
    if "job" not in answer or "customer" not in answer:
        return ""
    return f" at customer {answer['customer']} and below"


def _gone(answer: Answer) -> str:
    gone = answer.get("already_gone")
    return f"; {_deliveries(gone)} had gone their way already" if gone else ""


def _canceled(answer: Answer) -> str:
    if "delivery" in answer:
        return f"canceled: delivery {answer['delivery']} is taken back"
    number = _deliveries(answer.get("canceled", 0))
    return f"canceled: {number} of {_whose(answer)}{_branch(answer)} taken back{_gone(answer)}"


def _moved(answer: Answer) -> str:
    if "delivery" in answer:
        return f"rescheduled: delivery {answer['delivery']}"
    number = _deliveries(answer.get("moved", 0))
    return f"rescheduled: {number} of {_whose(answer)}{_branch(answer)}{_gone(answer)}"


def _decided(answer: Answer) -> str:
    more = "; there may be more: ask again" if answer.get("more") else ""
    if "resend" in answer:
        return f"{_deliveries(answer['resend'])} will be sent again{more}"
    return f"{_deliveries(answer.get('give_up', 0))} given up, and counted as failed{more}"


def _row(answer: Answer) -> str:
    return f"{answer['entity'].replace('_', ' ')} {answer['id']}"


def _put(answer: Answer) -> str:
    return f"put: sender {answer['sender']}, {answer['address']}"


def _told_again(answer: Answer) -> str:
    return f"{words.number(answer['events'], 'event')} will be told again, under the same ids"


_DONE: Mapping[str, Callable[[Answer], str]] = MappingProxyType(
    {
        "cancel": _canceled,
        "pause": lambda answer: f"paused: nothing more of {_whose(answer)} starts",
        "resume": lambda answer: f"resumed: {_whose(answer)}",
        "reschedule": _moved,
        "doubt.resolve": _decided,
        "events.replay": _told_again,
        "suppressions.add": lambda answer: f"noted, as suppression {answer['suppression']}",
        "suppressions.lift": lambda answer: f"lifted: suppression {answer['suppression']}",
        "directory.put": lambda answer: f"put: {_row(answer)}",
        "directory.delete": lambda answer: f"gone: {_row(answer)}",
        "lists.create": lambda answer: f"made: list {answer['list']}",
        "lists.delete": lambda answer: f"deleted: list {answer['list']}; its contacts stay",
        "senders.put": _put,
        "senders.delete": lambda answer: f"deleted: sender {answer['sender']}",
        "campaigns.create": lambda answer: f"made: campaign {answer['campaign']}",
        "campaigns.activate": lambda answer: f"on: campaign {answer['campaign']}",
        "campaigns.deactivate": lambda answer: (
            f"off: campaign {answer['campaign']}; what was accepted goes on"
        ),
    }
)
_UNCHANGED: Mapping[str, Callable[[Answer], str]] = MappingProxyType(
    {
        "cancel": lambda answer: f"{_whose(answer)}{_branch(answer)} was canceled already",
        "pause": lambda answer: f"{_whose(answer)} was paused already",
        "resume": lambda answer: f"{_whose(answer)} wasn't paused",
        "doubt.resolve": lambda _: "nothing of it is in doubt",
        "suppressions.add": lambda _: "it was noted before",
        "suppressions.lift": lambda answer: (
            f"suppression {answer['suppression']} was lifted before"
        ),
        "directory.put": lambda answer: f"{_row(answer)} says that already",
        "senders.put": lambda answer: f"sender {answer['sender']} says that already",
        "campaigns.activate": lambda answer: f"campaign {answer['campaign']} was on already",
        "campaigns.deactivate": lambda answer: f"campaign {answer['campaign']} was off already",
        "directory.delete": lambda answer: f"{_row(answer)} was gone already",
    }
)
