"""Whether the content of a request can become a mail: every template in it must compile."""

from collections.abc import Iterable, Iterator

from daemon.compose import template
from daemon.compose.template import Template
from daemon.mail.refusal import Code, Notice, Refused
from daemon.mail.request.commands import Extend
from daemon.mail.request.findings import Findings, Step, path
from daemon.mail.request.forms import Request
from daemon.mail.request.recipients import Override, Recipient
from daemon.mail.request.send import Message, Send

Place = tuple[Step, ...]

BUILT_IN = frozenset({"name", "address", "email"})
"""Variables that every recipient has."""


def refused(request: Request) -> Refused | None:
    """Everything that is wrong with the content of a request; None = it is fit."""
    findings = Findings()
    for place, text in _texts(request):
        if text is not None and "{{" in text:
            _check(text, findings, place)
    if not findings:
        return None
    return Refused(faults=findings.faults, command=request.command, request_id=request.request_id)


def notices(request: Request) -> tuple[Notice, ...]:
    """Variables that the message mentions and no recipient brings: they become nothing (Q37)."""
    if not isinstance(request, Send) or request.open:
        return ()  # what frames will bring can't be known yet
    mentioned = {
        variable: place
        for place, text in _of_messages(request.messages)
        for variable in _variables(text)
    }
    if not mentioned.keys() - BUILT_IN:
        return ()
    brought = BUILT_IN.union(*(recipient.vars for recipient in request.recipients))
    return tuple(
        Notice(field=path(place), message=f"no recipient brings the variable `{variable}`")
        for variable, place in mentioned.items()
        if variable not in brought
    )


def _variables(text: str | None) -> frozenset[str]:
    parsed = template.parse(text, field="") if text and "{{" in text else None
    return parsed.variables if isinstance(parsed, Template) else frozenset()


def _check(text: str, findings: Findings, place: Place) -> None:
    parsed = template.parse(text, field="")
    for fault in parsed if isinstance(parsed, tuple) else ():
        message = f"character {fault.position}, counted from 0: {fault.reason}"
        findings.add(Code.PARAM_INVALID, place, message)


def _texts(request: Request) -> Iterator[tuple[Place, str | None]]:
    """Every template of a request, and where it stands."""
    match request:
        case Send(messages=messages, audience=audience):
            yield from _of_messages(messages)
            for number, term in enumerate(audience):
                yield from _of_recipients(term.items, ("audience", number, "items"))
        case Extend(items=items):
            yield from _of_recipients(items, ("items",))


def _of_messages(messages: Iterable[Message]) -> Iterator[tuple[Place, str | None]]:
    for number, message in enumerate(messages):
        yield from _of_message(message, ("messages", number))


def _of_message(message: Message, place: Place) -> Iterator[tuple[Place, str | None]]:
    if message.from_:
        yield (*place, "from", "name"), message.from_.name
    yield from _of_texts(message, place)


def _of_recipients(
    recipients: Iterable[Recipient], place: Place
) -> Iterator[tuple[Place, str | None]]:
    for number, recipient in enumerate(recipients):
        if recipient.override is not None:
            yield from _of_texts(recipient.override, (*place, number, "override"))


def _of_texts(content: Message | Override, place: Place) -> Iterator[tuple[Place, str | None]]:
    yield (*place, "subject"), content.subject
    yield (*place, "text"), content.text
    yield (*place, "html"), content.html
