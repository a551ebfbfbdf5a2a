"""A request as the checker understands it: who shall get what, and not before when.

The rules are those of the requirements, written down a second time and as plainly as possible.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.checker.evidence import Request

_ADDRESS = re.compile(r"[^@\s,<>\\]{1,64}@[^@\s.,<>\\]+(\.[^@\s.,<>\\]+)+")
_SLOT = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_TEXT: Mapping[bool | None, str] = {True: "true", False: "false", None: ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody that a request names."""

    address: str | None
    subject: str
    """Of his mail, filled in."""
    own: str
    """What his mail has of its own: with it, one address may get two."""
    dropped: str | None = None
    """Why nobody writes to him, by the word of who wrote the story."""

    @property
    def norm(self) -> str:
        """The form in which two addresses are compared: the domain in lower case, and as ASCII."""
        local, _, domain = (self.address or "").strip().rpartition("@")
        return f"{local}@{_on_the_wire(domain.lower())}"

    @property
    def fault(self) -> str | None:
        """Why nobody is written to at this address."""
        if self.dropped:
            return self.dropped
        if self.address is None or not self.address.strip():
            return "no_address"
        return None if _ADDRESS.fullmatch(self.address.strip()) else "invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A send, or a frame of one."""

    recipients: tuple[Recipient, ...]
    purpose: str = "transactional"
    due: float | None = None
    open: bool = False


def _on_the_wire(domain: str) -> str:
    """A domain as an envelope has it; one that is none as it is."""
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


def of(request: Request) -> Asked:
    """What a send asks for; ValueError when it is none."""
    if request.kind == "smsby":
        return _smsby(request.fields)
    if request.command != "send":
        raise ValueError(f"not a send: {request.command}")
    return _native(request.fields, request.meant)


def frame(extend: Request, send: Request) -> tuple[Recipient, ...]:
    """Whom a frame adds to its send."""
    return tuple(_recipients(extend.fields.get("items") or (), _subject(send.fields)))


def _native(fields: Mapping[str, Any], meant: Sequence[Mapping[str, Any]]) -> Asked:
    items = [item for term in fields["audience"] for item in term.get("items") or ()]
    items += meant
    return Asked(
        recipients=tuple(_recipients(items, _subject(fields))),
        purpose=fields.get("purpose") or "transactional",
        due=_due(fields.get("delivery") or {}),
        open=bool(fields.get("open")),
    )


def _due(delivery: Mapping[str, Any]) -> float | None:
    """None where it isn't known: at once, or at another time in every zone."""
    due, zone = delivery.get("not_before"), delivery.get("timezone")
    if due is None or delivery.get("recipient_local"):
        return None
    moment = datetime.fromisoformat(due)
    return (moment.replace(tzinfo=ZoneInfo(zone)) if zone else moment).timestamp()


def _smsby(fields: Mapping[str, Any]) -> Asked:
    item = {"address": fields["email"]}
    return Asked(recipients=tuple(_recipients([item], fields["subject"].strip())))


def _subject(fields: Mapping[str, Any]) -> str:
    return fields["messages"][0].get("subject") or ""


def _recipients(items: Any, subject: str) -> Iterator[Recipient]:
    for item in items:
        override = {
            name: text for name, text in (item.get("override") or {}).items() if text is not None
        }
        yield Recipient(
            address=item.get("address"),
            subject=filled(override.get("subject", subject), item).strip(),
            own=json.dumps(override, sort_keys=True) if override else "",
            dropped=item.get("dropped"),
        )


def filled(template: str, item: Mapping[str, Any]) -> str:
    """A template with a recipient's variables in its slots, nothing where he has none."""
    known = {"name": item.get("name"), "email": item.get("address"), **(item.get("vars") or {})}

    def fill(slot: re.Match[str]) -> str:
        value = known.get(slot[1])
        return _TEXT[value] if value is None or isinstance(value, bool) else str(value)

    return _SLOT.sub(fill, template)
