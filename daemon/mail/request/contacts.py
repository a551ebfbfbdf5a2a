"""The contacts that a parcel brings into a list: read one by one, and a bad one hinders no other.

What is wrong with a contact is answered beside what became of the others, by its place; only what
is wrong with the whole is a fault of the request.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from daemon.mail import address
from daemon.mail.directory import cells, entities
from daemon.mail.directory.entities import Column
from daemon.mail.refusal import Code
from daemon.mail.request.recipients import Reading

MOST = 500
"""Contacts of one parcel."""

COLUMNS = tuple(
    column
    for column in entities.CONTACT.columns
    if column.name not in ("id", "customer_id", "person_id", "no_mailing")
)
"""What may be said of a contact: whose it is, the list says."""
_BY_NAME: Mapping[str, Column] = MappingProxyType({column.name: column for column in COLUMNS})


class Contact(NamedTuple):
    """One contact that is sound."""

    place: int
    """Among those that were given, from 0."""
    values: Mapping[str, Any]
    """By column, as the database takes them; an address has its forms beside it."""

    @property
    def known_by(self) -> tuple[str, str]:
        """What no other contact of the customer has."""
        if "norm" in self.values:
            return "address", self.values["norm"]
        return "phone_number", self.values["phone_number"]


class Wrong(NamedTuple):
    """One that isn't, and why."""

    place: int
    message: str


class Contacts(NamedTuple):
    """What a parcel brings."""

    sound: tuple[Contact, ...]
    wrong: tuple[Wrong, ...]


def read(items: object, reading: Reading, place: str) -> Contacts:
    """The contacts of a list; what is wrong with the list itself goes to the findings."""
    if not isinstance(items, list):
        reading.findings.invalid("must be a list", place)
    elif len(items) > MOST:
        advice = f"must hold at most {MOST} contacts"
        reading.findings.add(Code.TOO_LARGE, (place,), advice)
    elif not items:
        reading.findings.invalid("must hold at least one contact", place)
    else:
        return _each(items)
    return Contacts((), ())


def _each(items: list[Any]) -> Contacts:
    sound: dict[tuple[str, str], Contact] = {}
    wrong = []
    for index, item in enumerate(items):
        try:
            found = Contact(index, _values(item))
        except ValueError as error:
            wrong.append(Wrong(index, str(error)))
            continue
        first = sound.setdefault(found.known_by, found)
        if first is not found:
            wrong.append(Wrong(index, f"is the same contact as contacts[{first.place}]"))
    return Contacts(tuple(sound.values()), tuple(wrong))


def _values(item: object) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise ValueError("must be an object")  # noqa: TRY004 - every fault of a contact is one
    if not item.keys() <= _BY_NAME.keys():
        raise ValueError(f"has a field that isn't among {', '.join(_BY_NAME)}")
    values: dict[str, Any] = {}
    for name, given in item.items():
        values |= _value(_BY_NAME[name], given)
    if values.keys().isdisjoint({"address", "phone_number"}):
        raise ValueError("needs an address or a phone_number")
    return values


def _value(column: Column, given: object) -> dict[str, Any]:
    """The value of one field, if it has one."""
    try:
        text = cells.cell(column.kind, given)
        if not text.strip(" "):
            return {}
        value = cells.read(column.kind, text)
    except ValueError as error:
        raise ValueError(f"{column.name}: {error}") from None
    if column.name == "custom":
        return {"custom": orjson.loads(value)}
    return _address(value) if column.kind.forms else {column.name: value}


def _address(text: str) -> dict[str, str]:
    """With its forms. Who is to be written to is refused if nobody could be."""
    norm, supp, domain, fault = address.forms(text)
    if fault:
        raise ValueError(f"address: must be one address such as ann@example.com ({fault})")
    return {"address": text, "norm": norm, "supp": supp, "domain": domain}
