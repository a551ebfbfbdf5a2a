"""`deliveryd list`: lists of contacts.

What changes them is asked for through the broker, as any producer would; what is only looked at
comes from the database.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

from cyclopts import Parameter

from daemon.cli import (
    asking,
    configured,
    control,
    doors,
    paged,
    progress,
    ranges,
    requests,
    verdicts,
    words,
)
from daemon.cli.blocks import Block, Table
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.requests import Sending
from daemon.cli.screen import Screen
from daemon.directory import filling
from daemon.directory.filling import Portions
from daemon.directory.sheets import Unfit
from daemon.store import lists

_HEAD = ("list", "customer", "name", "origin", "members")
_MEMBERS = ("contact", "address", "phone", "first name", "last name", "since")
_SHOWN = 20
"""Faults that are shown to a person; a program hears of all."""

Number = Annotated[int, Parameter(help="The number of a list.", validator=ranges.ID)]
Customer = Annotated[
    int | None, Parameter(help="Whose; else whom we speak for.", validator=ranges.ID)
]
Page = Annotated[int, Parameter(help="Where to go on, as the last page said.", validator=ranges.ID)]
Limit = Annotated[int, Parameter(help="Rows of a page.", validator=ranges.ROWS)]


async def create(
    name: Annotated[str, Parameter(help="What no other list of the customer is called.")],
    /,
    *,
    customer: Customer = None,
    options: Options = DEFAULT,
) -> int:
    """Make a list."""
    return await control.asked("lists.create", customer, options=options, name=name)


async def show_all(
    *,
    customer: Annotated[
        int | None, Parameter(help="Only of this customer.", validator=ranges.ID)
    ] = None,
    page: Page = 0,
    limit: Limit = 100,
    options: Options = DEFAULT,
) -> int:
    """Show the lists, and how many contacts each holds."""
    async with (
        doors.postgres(configured.settings(options)) as store,
        store.session() as session,
    ):
        found = await lists.all_of(session, customer, after=page, limit=limit)
    rows = [(one.id, *(one.fields[name] for name in _HEAD[1:])) for one in found]
    documents = [{"list": one.id, **one.fields} for one in found]
    paged.show("lists", documents, Table(head=_HEAD, rows=rows, empty="no list"), limit, options)
    return Exit.OK


async def members(
    number: Number, /, *, page: Page = 0, limit: Limit = 100, options: Options = DEFAULT
) -> int:
    """Show who is in a list."""
    async with (
        doors.postgres(configured.settings(options)) as store,
        store.session() as session,
    ):
        if await lists.owner(session, number) is None:
            raise Ended(f"no list has the number {number}")
        found = await lists.members(session, number, after=page, limit=limit)
    rows = [
        (one.id, one.fields["address"], one.fields["phone_number"], one.fields["first_name"],
         one.fields["last_name"], words.moment(one.fields["added_at"]))
        for one in found
    ]  # fmt: skip
    documents = [{"contact": one.id, **one.fields} for one in found]
    table = Table(head=_MEMBERS, rows=rows, empty="nobody is in it")
    paged.show("members", documents, table, limit, options)
    return Exit.OK


def delete(number: Number, /, *, yes: control.Yes = False, options: Options = DEFAULT) -> int:
    """Take a list away, and what was unsubscribed from it alone. Its contacts stay.

    A person at a terminal is asked first, as it can't be undone.
    """
    customer = asyncio.run(_owner(number, options))
    asking.sure(f"Delete list {number}? It can't be brought back.", yes=yes)
    return asyncio.run(control.asked("lists.delete", customer, options=options, list=number))


def fill(
    number: Number,
    file: Annotated[Path, Parameter(help="Contacts: CSV with a header, or JSON Lines.")],
    /,
    *,
    options: Options = DEFAULT,
) -> int:
    """Bring contacts into a list: new ones, and those who are there brought up to date.

    500 a request. What is wrong with a contact is told with its line, and the others go in; exit 1
    then. The same again does no harm.
    """
    customer = asyncio.run(_owner(number, options))
    screen = Screen(options)
    try:
        with (
            progress.bar("reading octets", file.stat().st_size, screen) as step,
            filling.opened(file) as portions,
        ):
            total = asyncio.run(_loaded(number, customer, portions, step, options))
    except Unfit as error:
        raise Ended(str(error), Exit.DATA) from None
    except OSError as error:
        if error.filename is None:
            raise
        raise Ended(f"{error.filename}: {error.strerror}", Exit.USAGE) from None
    return _summed(number, total, screen)


async def _owner(number: int, options: Options) -> int:
    async with (
        doors.postgres(configured.settings(options)) as store,
        store.session() as session,
    ):
        owner = await lists.owner(session, number)
    if owner is None:
        raise Ended(f"no list has the number {number}")
    return owner


@dataclass(slots=True, kw_only=True)
class _Sum:
    """What came of all requests so far."""

    inserted: int = 0
    updated: int = 0
    log: list[tuple[int, str]] = field(default_factory=list)
    """Line and fault of each contact that isn't in."""

    def take(self, answer: Mapping[str, Any], lines: list[int]) -> None:
        self.inserted += answer["inserted"]
        self.updated += answer["updated"]
        self.log += [(lines[one["index"]], one["message"]) for one in answer["log"]]


async def _loaded(
    number: int,
    customer: int,
    portions: Portions,
    step: Callable[[int], None],
    options: Options,
) -> _Sum:
    settings, total = configured.settings(options), _Sum()
    voice = requests.voice(settings, customer)
    async with doors.rabbitmq(settings) as conversation:
        for portion in portions:
            arguments = {"list": number, "contacts": portion.contacts}
            body = requests.body(voice, "lists.import", arguments)
            sending = Sending(body=body, message_id=str(uuid4()))
            answer = await requests.ask(conversation, settings, voice, sending)
            if not verdicts.is_positive(answer):
                raise verdicts.refusal(answer)
            total.take(answer, portion.lines)
            step(portion.octets)
    total.log += portions.broken
    return total


def _summed(number: int, total: _Sum, screen: Screen) -> int:
    log = sorted(total.log)
    counts = {"inserted": total.inserted, "updated": total.updated, "invalid": len(log)}
    told = [{"line": line, "message": message} for line, message in log]
    screen.show({"list": number, **counts, "log": told}, _view(counts, log))
    return Exit.FAILED if log else Exit.OK


def _view(counts: Mapping[str, int], log: list[tuple[int, str]]) -> Iterator[Block]:
    yield ", ".join(f"{count:,} {name}" for name, count in counts.items())
    if log:
        yield Table(head=("line", "why"), rows=log[:_SHOWN])
    if len(log) > _SHOWN:
        yield f"and {len(log) - _SHOWN:,} more: see --json"
