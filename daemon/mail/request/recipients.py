"""The recipients of a parcel: the one part of a request that comes by the thousand.

They are read by hand, as pydantic takes twice as long for them. Nearly all are plain (an address, a
name, variables) and pass at a glance; only the others are looked at field by field. The address
itself is judged at expansion, which counts it as `invalid` or `no_address` (design 2.3).
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, NamedTuple

from daemon.mail import texts
from daemon.mail.refusal import Code
from daemon.mail.request import kinds
from daemon.mail.request.findings import Findings, Step
from daemon.mail.request.rules import Setting
from daemon.mail.template import is_name

PASSTHROUGH_DEPTH = 8
"""Objects and lists within each other that a `passthrough` may have."""
VARIABLE_NAME_LIMIT = 64
"""Characters of the name of a variable."""
UNKNOWN_LIMIT = 10
"""Unknown fields of one object that are named."""

_UNNAMABLE = (
    "no template could name it: a letter or _, then letters, digits, _ or ., at most"
    f" {VARIABLE_NAME_LIMIT} characters"
)
_new = tuple.__new__
_FIELDS = frozenset({"role", "address", "name", "vars", "override", "passthrough"})
_WRITTEN: Mapping[type, Callable[[Any], str | None]] = {
    int: str,
    bool: {True: "true", False: "false"}.get,
    type(None): lambda _: None,
}
"""What becomes of a variable that isn't text, but for numbers with a fraction."""
_OVERRIDES = frozenset({"subject", "text", "html"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Content that one recipient gets instead of the message's; None leaves the message's."""

    subject: str | None = None
    text: str | None = None
    html: str | None = None


class Recipient(NamedTuple):
    """One addressee as asked for. A tuple, because a frozen dataclass takes four times as long."""

    address: str | None
    """As written; None = never deliverable."""
    name: str | None
    """Display name."""
    vars: Mapping[str, str | None]
    """What `{{ name }}` becomes; numbers as they were written, `true` and `false` as words."""
    override: Override | None = None
    passthrough: Mapping[str, Any] | None = None
    """The sender's own, to be given back unchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    """The term of an audience that holds its recipients in itself."""

    items: tuple[Recipient, ...]
    type: Literal["recipients"] = "recipients"


class Spelling:
    """How the numbers of a body were written: once decoded, 9.90 is 9.9."""

    __slots__ = ("_body", "_document")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._document: Any = None

    def of(self, value: float, *place: Step) -> str:
        """The number at a place as its sender wrote it; the body is read again, but only once."""
        try:
            if self._document is None:
                self._document = json.loads(self._body, parse_float=str, parse_int=str)
        except RecursionError:  # nested so deeply that it is refused anyway
            return repr(value)
        found = self._document
        for step in place:
            found = found[step]
        return str(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the readers of one parcel share."""

    findings: Findings
    setting: Setting
    spelling: Spelling


def read(items: object, reading: Reading, *place: Step) -> tuple[Recipient, ...]:
    """The recipients of a list that stands at `place`; what is wrong goes to the findings."""
    if not isinstance(items, list):
        reading.findings.invalid("must be a list", *place)
        return ()
    if not check_size(len(items), reading, *place):
        return ()
    known: set[str] = set()
    reader, limit = _Reader(reading, place), reading.setting.rules.variables
    return tuple(
        [
            _at_a_glance(item, known, limit) or reader.recipient(item, number)
            for number, item in enumerate(items)
        ]
    )


def check_size(count: int, reading: Reading, *place: Step) -> bool:
    """Whether one parcel may hold so many recipients."""
    limit = reading.setting.rules.recipients
    if count > limit:
        advice = f"must hold at most {limit} recipients; a larger job is sent in frames"
        reading.findings.add(Code.TOO_LARGE, place, advice)
    return count <= limit


def _at_a_glance(item: Any, known: set[str], limit: int) -> Recipient | None:  # noqa: C901, PLR0911
    """The recipient, if nothing about it needs a second look; `known` are fit variable names.

    Thousands of times a parcel: hence in one piece, and with tuple's own constructor.
    """
    if type(item) is not dict:
        return None
    address, name, variables = item.get("address"), item.get("name"), item.get("vars")
    if type(address) is not str or not address.isprintable():
        return None
    if len(item) != 1 + (name is not None) + (variables is not None) or not _is_plain(name):
        return None
    if variables is None:
        return _new(Recipient, (address, name, {}, None, None))
    if type(variables) is not dict or len(variables) > limit:
        return None
    if not variables.keys() <= known and not _learn(variables, known):
        return None
    for value in variables.values():
        if type(value) is not str or "\0" in value:
            texts = _as_text(variables)
            return None if texts is None else _new(Recipient, (address, name, texts, None, None))
    return _new(Recipient, (address, name, variables, None, None))


def _learn(names: Iterable[str], known: set[str]) -> bool:
    """Whether variables may have these names; the same ones come with every recipient."""
    fit = all(_is_fit_name(name) for name in names)
    if fit:
        known.update(names)
    return fit


def _is_fit_name(name: str) -> bool:
    return len(name) <= VARIABLE_NAME_LIMIT and is_name(name) is not None


def _is_plain(name: object) -> bool:
    if type(name) is not str:
        return name is None
    return len(name) <= kinds.NAME_LIMIT and name.isprintable()


def _as_text(variables: dict[str, Any]) -> dict[str, str | None] | None:
    """Variables as text, which is all a template knows; None if one of them needs a second look."""
    texts: dict[str, str | None] = {}
    for name, value in variables.items():
        kind = type(value)
        if kind is str and "\0" not in value:
            texts[name] = value
        elif kind in _WRITTEN:
            texts[name] = _WRITTEN[kind](value)
        else:
            return None
    return texts


class _Reader:
    """The second look: every field of a recipient, every fault of it."""

    __slots__ = ("_findings", "_limit", "_place", "_spelling")

    def __init__(self, reading: Reading, place: tuple[Step, ...]) -> None:
        self._findings = reading.findings
        self._limit = reading.setting.rules.variables
        self._spelling = reading.spelling
        self._place = place

    def recipient(self, item: object, number: int) -> Recipient:
        """The recipient as far as it is fit."""
        place = (*self._place, number)
        fields = self._object(item, _FIELDS, *place)
        if fields.get("role") not in (None, "to"):
            self._findings.invalid("must be 'to'", *place, "role")
        return Recipient(
            address=self._text(fields, "address", texts.text, *place),
            name=self._text(fields, "name", kinds.name, *place),
            vars=self._variables(fields.get("vars"), *place, "vars"),
            override=self._override(fields.get("override"), *place, "override"),
            passthrough=self._passthrough(fields.get("passthrough"), *place, "passthrough"),
        )

    def _object(self, value: object, known: frozenset[str], *place: Step) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._findings.invalid("must be an object", *place)
            return {}
        for name in islice((name for name in value if name not in known), UNKNOWN_LIMIT):
            self._findings.unknown(name, known, *place)
        return value

    def _text(
        self, fields: dict[str, Any], name: str, check: Callable[[str], str], *place: Step
    ) -> str | None:
        value = fields.get(name)
        if value is None:
            return None
        try:
            if isinstance(value, str):
                return check(value)
            self._findings.invalid("must be text", *place, name)
        except ValueError as error:
            self._findings.invalid(str(error), *place, name)
        return None

    def _variables(self, value: object, *place: Step) -> Mapping[str, str | None]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._findings.invalid("must be an object", *place)
            return {}
        if len(value) > self._limit:
            advice = f"must hold at most {self._limit} variables"
            self._findings.add(Code.TOO_LARGE, place, advice)
            return {}
        for name in value:
            if not _is_fit_name(name):
                self._findings.invalid(_UNNAMABLE, *place, name)
        return {name: self._value(found, *place, name) for name, found in value.items()}

    def _value(self, value: object, *place: Step) -> str | None:
        kind = type(value)
        if isinstance(value, float):
            return self._spelling.of(value, *place)
        if kind in _WRITTEN:
            return _WRITTEN[kind](value)
        if not isinstance(value, str):
            self._findings.invalid("must be text, a number, true, false or null", *place)
        elif "\0" in value:
            self._findings.invalid("must not hold the character NUL", *place)
        else:
            return value
        return None

    def _override(self, value: object, *place: Step) -> Override | None:
        if value is None:
            return None
        fields = self._object(value, _OVERRIDES, *place)
        override = Override(
            subject=self._text(fields, "subject", kinds.subject, *place),
            text=self._text(fields, "text", kinds.content, *place),
            html=self._text(fields, "html", kinds.content, *place),
        )
        return None if override == _NOTHING else override

    def _passthrough(self, value: object, *place: Step) -> Mapping[str, Any] | None:
        if value is None:
            return None
        if not isinstance(value, dict):
            self._findings.invalid("must be an object", *place)
        elif not _is_fit(value, PASSTHROUGH_DEPTH):
            advice = f"must be nested at most {PASSTHROUGH_DEPTH} deep and hold no character NUL"
            self._findings.invalid(advice, *place)
        else:
            return value
        return None


def _is_fit(value: object, depth: int) -> bool:
    """Whether JSON of a stranger can be stored and given back: no NUL, not too deep."""
    match value:
        case str():
            return "\0" not in value
        case dict() | list() if depth == 0:
            return False
        case dict():
            return all("\0" not in name for name in value) and all(
                _is_fit(inner, depth - 1) for inner in value.values()
            )
        case list():
            return all(_is_fit(inner, depth - 1) for inner in value)
    return True


_NOTHING = Override()
