"""Which commands there are, and what each must look like: a table, no logic of its own."""

import dataclasses
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from daemon.mail.refusal import Code
from daemon.mail.request import commands, contacts, keeping, recipients, send
from daemon.mail.request.findings import Names
from daemon.mail.request.recipients import Reading

Prepare = Callable[[dict[str, Any], Reading], None]
"""Judges what a single field can't tell, and completes the fields, before they are checked."""

Request = (
    send.Send
    | commands.Extend
    | commands.Close
    | commands.Status
    | commands.Deliveries
    | commands.Cancel
    | commands.Pause
    | commands.Resume
    | commands.Reschedule
    | commands.Unsubscribe
    | commands.Subscribe
    | commands.DoubtList
    | commands.DoubtResolve
    | commands.EventsReplay
    | commands.CreditGet
    | commands.CreditTopup
    | keeping.SuppressionsList
    | keeping.SuppressionsAdd
    | keeping.SuppressionsLift
    | keeping.ListsCreate
    | keeping.ListsImport
    | keeping.ListsList
    | keeping.ListsMembers
    | keeping.ListsDelete
    | keeping.DirectoryGet
    | keeping.DirectoryList
    | keeping.DirectoryPut
    | keeping.DirectoryDelete
    | keeping.SendersList
    | keeping.SendersGet
    | keeping.SendersPut
    | keeping.SendersDelete
    | keeping.CampaignsList
    | keeping.CampaignsGet
    | keeping.CampaignsCreate
    | keeping.CampaignsActivate
    | keeping.CampaignsDeactivate
)
"""Any request, in its canonical form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How one command is checked."""

    adapter: TypeAdapter[Request]
    names: Names
    prepare: Prepare


def _form(kind: type[Request], prepare: Prepare) -> Form:
    return Form(adapter=TypeAdapter(kind), names=dict(_names(kind)), prepare=prepare)


def _names(kind: type, *place: str) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
    """The names a class and the classes of its fields know; `from_` is `from` to the sender."""
    hints = typing.get_type_hints(kind)
    fields = {field.name.rstrip("_"): hints[field.name] for field in dataclasses.fields(kind)}
    yield place, frozenset(fields)
    for name, hint in fields.items():
        for inner in (hint, *typing.get_args(hint)):
            if dataclasses.is_dataclass(inner) and isinstance(inner, type):
                yield from _names(inner, *place, name)


def _one_of(*names: str) -> Prepare:
    """A command that is about exactly one thing."""
    wanted = f"needs exactly one of {', '.join(f'`{name}`' for name in names)}"

    def prepare(fields: dict[str, Any], reading: Reading) -> None:
        given = sum(name in fields for name in names)
        if given != 1:
            code = Code.PARAM_INVALID if given else Code.PARAM_MISSING
            reading.findings.add(code, (), wanted)

    return prepare


def _of_a_job(fields: dict[str, Any], reading: Reading) -> None:
    """A command about a job, a branch of it, or one delivery."""
    _one_of("job", "delivery")(fields, reading)
    if "customer" in fields and "job" not in fields:
        reading.findings.invalid("must stand beside a `job`", "customer")


def _frame(fields: dict[str, Any], reading: Reading) -> None:
    if "items" in fields:
        fields["items"] = recipients.read(fields["items"], reading, "items")
        if not fields["items"] and not reading.findings:
            advice = "must hold at least one recipient"
            reading.findings.add(Code.AUDIENCE_EMPTY, ("items",), advice)


def _contacts(fields: dict[str, Any], reading: Reading) -> None:
    if "contacts" in fields:
        fields["contacts"] = contacts.read(fields["contacts"], reading, "contacts")


def _sender(fields: dict[str, Any], reading: Reading) -> None:
    """A new one needs an address; one that is there stays the customer's whose it is."""
    if "sender" in fields:
        if "customer" in fields:
            reading.findings.invalid("must not stand beside a `sender`", "customer")
    elif "address" not in fields:
        advice = "is required of a new sender"
        reading.findings.add(Code.PARAM_MISSING, ("address",), advice)


def _replay(fields: dict[str, Any], reading: Reading) -> None:
    if fields.keys().isdisjoint({"from", "job", "stream"}):
        advice = "needs `from`, or a `job` or a `stream`"
        reading.findings.add(Code.PARAM_MISSING, (), advice)
    if {"job", "stream"} <= fields.keys():
        reading.findings.invalid("must name either a `job` or a `stream`")


def _as_it_is(_fields: dict[str, Any], _reading: Reading) -> None:
    pass


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "send": _form(send.Send, send.prepare),
        "validate": _form(send.Send, send.prepare),
        "extend": _form(commands.Extend, _frame),
        "close": _form(commands.Close, _as_it_is),
        "status": _form(
            commands.Status, _one_of("job", "ticket", "message", "delivery", "campaign")
        ),
        "deliveries": _form(commands.Deliveries, _one_of("job", "message")),
        "cancel": _form(commands.Cancel, _of_a_job),
        "pause": _form(commands.Pause, _one_of("job", "customer")),
        "resume": _form(commands.Resume, _one_of("job", "customer")),
        "reschedule": _form(commands.Reschedule, _of_a_job),
        "unsubscribe": _form(commands.Unsubscribe, _as_it_is),
        "subscribe": _form(commands.Subscribe, _as_it_is),
        "doubt.list": _form(commands.DoubtList, _as_it_is),
        "doubt.resolve": _form(commands.DoubtResolve, _one_of("job", "deliveries")),
        "events.replay": _form(commands.EventsReplay, _replay),
        "credit.get": _form(commands.CreditGet, _as_it_is),
        "credit.topup": _form(commands.CreditTopup, _as_it_is),
        "suppressions.list": _form(keeping.SuppressionsList, _as_it_is),
        "suppressions.add": _form(keeping.SuppressionsAdd, _as_it_is),
        "suppressions.lift": _form(keeping.SuppressionsLift, _as_it_is),
        "lists.create": _form(keeping.ListsCreate, _as_it_is),
        "lists.import": _form(keeping.ListsImport, _contacts),
        "lists.list": _form(keeping.ListsList, _as_it_is),
        "lists.members": _form(keeping.ListsMembers, _as_it_is),
        "lists.delete": _form(keeping.ListsDelete, _as_it_is),
        "directory.get": _form(keeping.DirectoryGet, _as_it_is),
        "directory.list": _form(keeping.DirectoryList, _as_it_is),
        "directory.put": _form(keeping.DirectoryPut, _as_it_is),
        "directory.delete": _form(keeping.DirectoryDelete, _as_it_is),
        "senders.list": _form(keeping.SendersList, _as_it_is),
        "senders.get": _form(keeping.SendersGet, _as_it_is),
        "senders.put": _form(keeping.SendersPut, _sender),
        "senders.delete": _form(keeping.SendersDelete, _as_it_is),
        "campaigns.list": _form(keeping.CampaignsList, _as_it_is),
        "campaigns.get": _form(keeping.CampaignsGet, _as_it_is),
        "campaigns.create": _form(keeping.CampaignsCreate, _as_it_is),
        "campaigns.activate": _form(keeping.CampaignsActivate, _as_it_is),
        "campaigns.deactivate": _form(keeping.CampaignsDeactivate, _as_it_is),
    }
)
"""Every command of version 1 that this daemon serves, by its name."""
