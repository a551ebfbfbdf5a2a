"""The shared directory of the requirements (3.1) in a house, brought in as operators do it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.integration.directory.acme import BEHIND_THE_GUARD, FIXTURES
from tests.stories import asks
from tests.stories.house import House
from tests.stories.producer import Asked

PERSONS = {1: 7, 2: 7, 3: 71, 4: 711, 8: 72, 12: 8}
"""Whose each of those people is who ask."""


async def moved_in(house: House) -> None:
    """Has tree and people imported, and a daemon started that believes whoever publishes."""
    house.producer.user = urlsplit(house.url).username
    house.sections["intake"] = {**house.sections["intake"], "trusted": [house.producer.user]}
    house.customers += [
        {"id": 7, "parent": 1, "name": "Acme", "timezone": "Europe/Minsk"},
        {"id": 71, "parent": 7, "name": "Acme North"},
        {"id": 8, "parent": 1, "name": "Other"},
    ]
    house.transport |= {"customer": 7, "from_address": "mailer@acme.example"}
    for number, customer, domain in (2, 8, "other"), (3, 71, "north"):
        other = {"id": number, "customer": customer, "from_address": f"mailer@{domain}.example"}
        house.other_transports.append(other | {"is_default": True})
    await _imported(house, "tree")
    for statement in BEHIND_THE_GUARD:
        await house.rows(statement)
    await _imported(house, "people")
    await house.start()


async def _imported(house: House, folder: str) -> None:
    code, done = await house.typed("directory", "import", str(FIXTURES / folder))
    assert code == 0, done


def of(person: int | None, customer: int | None = None) -> dict[str, Any]:
    """Who asks: p1 and so on, or a customer as a whole."""
    if person is None:
        return {"customer_id": customer}
    return {"customer_id": customer or PERSONS[person], "person_id": person, "scheme": "password"}


def send(person: int | None, *terms: dict[str, Any] | str, **more: Any) -> dict[str, Any]:
    """A send of somebody's to these terms, or to addresses; `people children` is a term too."""
    to = [_term(term) for term in terms]
    who = of(person, more.pop("customer", None))
    message = {"subject": "Hello", "text": "Hello.", "from": {"address": asks.FROM}}
    return asks.send([], principal=who, **{"audience": to, "messages": [message], **more})


def letter(**fields: object) -> dict[str, object]:
    """The one message of a send, to its `messages`."""
    return {"messages": [{"subject": "Hello", "from": {"address": asks.FROM}, **fields}]}


def _term(term: dict[str, Any] | str) -> dict[str, Any]:
    if not isinstance(term, str):
        return term
    if "@" in term:
        return {"type": "recipients", "items": [{"address": term}]}
    kind, *scope = term.split()
    return {"type": kind, **({"scope": scope[0]} if scope else {})}


async def reached(house: House, body: dict[str, Any], *expected: str, **dropped: int) -> Asked:
    """Asks for it and returns once exactly these, and nobody else, have got a mail each.

    `dropped` says how many others were meant, by the reason why they aren't written to.
    """
    before = len(house.sink.copies)
    meant = [{"address": one} for one in expected]
    others = [{"dropped": reason} for reason, number in dropped.items() for _ in range(number)]
    names_them = all(term["type"] == "recipients" for term in body["audience"])
    asked = await house.producer.ask(body, meant=[] if names_them else [*meant, *others])
    sums = {"requested": len(meant) + len(others), "queued": len(meant)}
    assert _positive(asked.done["counts"]) == _positive(sums | dropped), asked.said
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == len(expected), completed.data
    got = [copy.rcpt for copy in house.sink.copies[before:]]
    assert sorted(got) == sorted((_sent(one),) for one in expected)
    return asked


def _positive(counts: dict[str, int]) -> dict[str, int]:
    return {name: number for name, number in counts.items() if number}


def _sent(address: str) -> str:
    local, _, domain = address.partition("@")
    return f"{local}@{domain.lower()}"


def faults(asked: Asked) -> list[tuple[str, str]]:
    """Code and field of all that was wrong with a request."""
    assert not asked.request.is_positive, asked.said
    return [(error["code"], error["field"]) for error in asked.said["errors"]]


async def refused(house: House, *bodies: dict[str, Any]) -> Sequence[Any]:
    """What is answered to each of these, of which nothing is stored."""
    before = await house.rows("SELECT count(*) FROM job")
    asked = [await house.producer.ask(body) for body in bodies]
    assert await house.rows("SELECT count(*) FROM job") == before
    for one in asked:
        await house.events.rejected(one.request.key)
    return [faults(one) for one in asked]
