"""Everything that is wrong with one request, collected while it is read.

A request is read to its end whatever is found on the way, so that its sender hears of all faults at
once. What a fault says never repeats what was written; the path to it holds names of fields only.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from daemon.mail.refusal import Code, Fault

LIMIT = 100
"""Faults that are told one by one; the others are counted."""

Step = str | int
"""One step of a path: the name of a field, or a place in a list."""

Names = Mapping[tuple[str, ...], frozenset[str]]
"""The fields that each object of a command may have, by the names that lead to it."""

_NAME = re.compile(r"[\w-]{1,64}")

# Fields of version 1 that this daemon doesn't serve: better refused than quietly without effect.
_ELSEWHERE = frozenset(
    {
        "app_token",
        "attachments",
        "calendar",
        "coercions",
        "headers",
        "in_reply_to",
        "inline",
        "list_ids",
        "locale",
        "message_id",
        "priority",
        "recipients",
        "result",
        "sent_copy",
        "service",
        "stop_when",
        "strictness",
        "template",
        "unsubscribe",
    }
)

_SAYS = {
    "bool_type": "must be true or false",
    "dataclass_type": "must be an object",
    "enum": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "missing": "is required",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_type": "must be text",
    "too_long": "must hold at most {max_length}",
    "tuple_type": "must be a list",
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
    "value_error": "{error}",
}
"""What we say to each kind of pydantic's errors: its own words may quote the input."""


class Findings:
    """A list of faults that stops growing, not counting, at `LIMIT`."""

    __slots__ = ("_count", "_faults")

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    def add(self, code: Code, place: Iterable[Step], message: str) -> None:
        """One more fault, at the field to which the steps lead."""
        self._count += 1
        if self._count <= LIMIT:
            self._faults.append(Fault(code=code, field=path(place), message=message))

    def invalid(self, message: str, *place: Step) -> None:
        """The commonest fault: a value that can't be."""
        self.add(Code.PARAM_INVALID, place, message)

    def unknown(self, name: str, known: Iterable[str], *place: Step) -> None:
        """A field that isn't known in the object at a place, with the nearest name that is."""
        # the search for it is dear, and a stranger says how often: none for what nobody will read
        says = _unknown(name, known) if self._count < LIMIT else ""
        self.invalid(says, *place, name)

    def add_all(self, error: ValidationError, names: Names, *at: Step) -> None:
        """All that pydantic found in the object that stands there."""
        for entry in error.errors(include_input=False, include_url=False):
            kind, place = entry["type"], entry["loc"]
            if kind == "unexpected_keyword_argument":
                known = _names_at(place[:-1], names)
                self.unknown(str(place[-1]), known, *at, *place[:-1])
            else:
                code = Code.PARAM_MISSING if kind == "missing" else Code.PARAM_INVALID
                self.add(code, (*at, *place), _says(kind, entry.get("ctx", {})))

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Everything found; of what is above `LIMIT`, how much."""
        if self._count <= LIMIT:
            return tuple(self._faults)
        more = f"and {self._count - LIMIT} more faults"
        return (*self._faults, Fault(code=Code.PARAM_INVALID, message=more))


def path(place: Iterable[Step]) -> str:
    """Steps as one reads them: `messages[0].from.address`. A name that is none becomes `?`."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if _NAME.fullmatch(step) else ".?"
    return text.removeprefix(".")


def _names_at(place: Iterable[Step], names: Names) -> frozenset[str]:
    return names.get(tuple(step for step in place if isinstance(step, str)), frozenset())


def _unknown(name: str, known: Iterable[str]) -> str:
    if name in _ELSEWHERE:
        return "is not supported by this daemon"
    nearest = difflib.get_close_matches(name[:64], sorted(known), n=1, cutoff=0.6)
    return f"is not known; did you mean `{nearest[0]}`?" if nearest else "is not known"


def _says(kind: str, context: Mapping[str, Any]) -> str:
    return _SAYS.get(kind, "is not valid").format_map(context)
