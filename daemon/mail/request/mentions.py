"""The variables that a message mentions, beside those that its recipients bring."""

from collections.abc import Iterator
from itertools import islice

from daemon.mail import template
from daemon.mail.refusal import Notice
from daemon.mail.request import audience
from daemon.mail.request.audience import Contacts, Members
from daemon.mail.request.findings import LIMIT, Step, path
from daemon.mail.request.send import Message, Send
from daemon.mail.template import Template

BUILT_IN = frozenset({"name", "address", "email"})
"""Variables that every recipient has."""


def unmet(send: Send) -> tuple[Notice, ...]:
    """Variables that the message mentions and no recipient brings: they become nothing (Q37)."""
    if send.open or any(isinstance(term, Contacts | Members) for term in send.audience):
        return ()  # what frames and contacts will bring can't be known yet
    mentioned = _mentioned(send)
    if not mentioned.keys() - BUILT_IN:
        return ()
    from_directory = () if audience.is_literal(send.audience) else audience.PERSON
    brought = BUILT_IN.union(from_directory, *(each.vars for each in send.recipients))
    told = (
        Notice(field=path(place), message=f"no recipient brings the variable `{variable}`")
        for variable, place in mentioned.items()
        if variable not in brought
    )
    return tuple(islice(told, LIMIT))


def _mentioned(send: Send) -> dict[str, tuple[Step, ...]]:
    """Each variable of the message, and where it stands last."""
    return {
        variable: ("messages", number, *place)
        for number, message in enumerate(send.messages)
        for place, text in _texts(message)
        for variable in _variables(text)
    }


def _texts(message: Message) -> Iterator[tuple[tuple[Step, ...], str | None]]:
    if message.from_:
        yield ("from", "name"), message.from_.name
    yield ("subject",), message.subject
    yield ("text",), message.text
    yield ("html",), message.html


def _variables(text: str | None) -> frozenset[str]:
    parsed = template.parse(text) if text and "{{" in text else None
    return parsed.variables if isinstance(parsed, Template) else frozenset()
