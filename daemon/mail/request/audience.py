"""Who is meant: the terms of an audience, and those of `exclude` (requirements 2.1, 2.2).

An audience is a union of terms. `recipients` holds its own; all others name people by what they
are, and the database finds out who that is. Whether a list exists, or who is `me`, intake looks up.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import islice
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from daemon.mail.refusal import Code
from daemon.mail.request import recipients
from daemon.mail.request.commands import FORM
from daemon.mail.request.findings import Names, Step
from daemon.mail.request.kinds import Id, Name
from daemon.mail.request.recipients import Reading, Recipients

TERMS = 100
"""Terms of an audience at most."""
IDS = 5_000
"""Contacts that one term names at most."""

Scope = Literal["self", "children", "descendants"]
"""Whose: the customer's own, those of his children, of everyone below him. Never two of these."""


def _somebody(ids: tuple[int, ...]) -> tuple[int, ...]:
    if not ids:
        raise ValueError("must hold at least one id")
    return ids


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The people of customers."""

    __pydantic_config__: ClassVar = FORM

    scope: Scope
    type: Literal["people"] = "people"


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """The billing contacts of customers (Q1)."""

    __pydantic_config__: ClassVar = FORM

    scope: Scope
    type: Literal["billing"] = "billing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """Whoever asks."""

    __pydantic_config__: ClassVar = FORM

    type: Literal["me"] = "me"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """Contacts of the customer by their ids."""

    __pydantic_config__: ClassVar = FORM

    ids: Annotated[tuple[Id, ...], Field(max_length=IDS), AfterValidator(_somebody)]
    type: Literal["contacts"] = "contacts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The members of one list of the customer, by its id or its name."""

    __pydantic_config__: ClassVar = FORM

    id: Id | None = None
    name: Name | None = None
    type: Literal["list"] = "list"


Term = Recipients | People | Billing | Me | Contacts | Members

_CLASSES = {"people": People, "billing": Billing, "me": Me, "contacts": Contacts, "list": Members}
_ADAPTERS: dict[str, TypeAdapter[Term]] = {
    name: TypeAdapter(kind) for name, kind in _CLASSES.items()
}
_FIELDS = {name: frozenset(field.name for field in fields(kind)) for name, kind in _CLASSES.items()}
_OF_RECIPIENTS = frozenset({"type", "items"})
_NOBODY = Recipients(items=())
_KINDS = ("recipients", *_CLASSES)

PERSON = frozenset(
    {"first_name", "last_name", "title", "company", "language", "country", "telephone", "mobile"}
)
"""Variables that people and billing contacts bring; those of contacts only the directory knows."""


def read(terms: object, reading: Reading, field: str) -> tuple[Term, ...]:
    """The terms that stand in `field`; what is wrong with them goes to the findings."""
    if not isinstance(terms, list):
        reading.findings.invalid("must be a list of terms", field)
        return ()
    if len(terms) > TERMS:
        reading.findings.add(Code.TOO_LARGE, (field,), f"must hold at most {TERMS} terms")
        return ()
    found = tuple(_term(term, reading, field, number) for number, term in enumerate(terms))
    recipients.check_size(sum(len(term.items) for term in named(found)), reading, field)
    return found


def named(terms: Iterable[Term]) -> list[Recipients]:
    """The terms that hold their recipients in themselves."""
    return [term for term in terms if isinstance(term, Recipients)]


def is_literal(terms: Iterable[Term]) -> bool:
    """Whether the parcel itself names everyone."""
    return all(isinstance(term, Recipients) for term in terms)


def is_below(terms: Iterable[Term]) -> bool:
    """Whether a term reaches into other customers, below the one in whose name it is asked."""
    return any(getattr(term, "scope", "self") != "self" for term in terms)


def may_be_many(terms: Iterable[Term]) -> bool:
    """Whether a term can yield any number of people: a list, a whole branch."""
    return any(
        isinstance(term, Members) or getattr(term, "scope", None) == "descendants" for term in terms
    )


def _term(term: object, reading: Reading, *place: Step) -> Term:
    """One term; of one that is unfit nobody is meant."""
    if not isinstance(term, dict):
        reading.findings.invalid("must be an object", *place)
        return _NOBODY
    kind = term.get("type")
    if kind is None:
        reading.findings.add(Code.PARAM_MISSING, (*place, "type"), "is required")
    elif kind == "recipients":
        return _recipients(term, reading, *place)
    elif isinstance(kind, str) and kind in _CLASSES:
        return _from_directory(kind, term, reading, *place)
    else:
        reading.findings.invalid(f"must be one of {', '.join(_KINDS)}", *place, "type")
    return _NOBODY


def _recipients(term: dict[str, Any], reading: Reading, *place: Step) -> Recipients:
    unknown = (name for name in term if name not in _OF_RECIPIENTS)
    for name in islice(unknown, recipients.UNKNOWN_LIMIT):
        reading.findings.unknown(name, _OF_RECIPIENTS, *place)
    if term.get("items") is None:
        reading.findings.add(Code.PARAM_MISSING, (*place, "items"), "is required")
        return _NOBODY
    return Recipients(items=recipients.read(term["items"], reading, *place, "items"))


def _from_directory(kind: str, term: dict[str, Any], reading: Reading, *place: Step) -> Term:
    given = {name: value for name, value in term.items() if value is not None}
    names: Names = MappingProxyType({(): _FIELDS[kind]})
    try:
        found = _ADAPTERS[kind].validate_python(given, context=reading.setting)
    except ValidationError as error:
        reading.findings.add_all(error, names, *place)
        return _NOBODY
    if isinstance(found, Members) and (found.id is None) == (found.name is None):
        reading.findings.invalid("must hold either `id` or `name`", *place)
    return found
