"""Single rows of the directory are put as an import of one row would put them.

So every law and every reading of a value is the import's: there is one implementation behind both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.mail.directory import cells, staging
from daemon.mail.directory.entities import BY_NAME
from daemon.mail.directory.staging import Batch, Staging
from daemon.store import door, importing, keeping

ENTITIES = ("customer", "person", "billing_contact", "agent", "plan", "role")
"""Those that are put and deleted one by one."""

_WITH = {"customer": ("customer", "plan"), "plan": ("plan", "customer")}
"""Entities whose laws look at each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """A row is as it was wanted."""

    number: int | None
    """Of the row, where its entity has numbers."""
    is_new: bool
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """What is wrong with one value; without a column, with the row."""

    column: str
    why: str


class Busy(Exception):
    """Somebody imports: no row is put until that is over."""


async def put(session: door.Session, name: str, row: Mapping[str, Any]) -> Put | Sequence[Wrong]:
    """Puts a row, in the session's transaction. Raises `Busy`, `importing.Overtaken`."""
    made = staging.header(BY_NAME[name], list(row))
    if not isinstance(made, Staging):
        return [Wrong(column="", why=why.replace("column", "field")) for why in made]
    entities = _WITH.get(name, (name,))
    if not await keeping.begun(session, entities):
        raise Busy
    wrong = [*await _staged(session, made, row), *await _faults(session, name)]
    if wrong:
        return wrong
    columns = list(row)
    await importing.judged(session, {one: columns if one == name else [] for one in entities})
    done = await importing.merged(session, name, has_ids=False)
    if wrong := await _faults(session, name):
        return wrong
    return Put(
        number=await keeping.number_put(session),
        is_new=bool(done.inserted),
        changed=bool(done.inserted or done.updated),
    )


async def _staged(session: door.Session, made: Staging, row: Mapping[str, Any]) -> list[Wrong]:
    """Stages what the row says, as far as its values are of the kinds that JSON has for them."""
    texts, wrong = {}, []
    for column in made.columns:
        try:
            texts[column] = cells.cell(column.kind, row[column.name])
        except ValueError as error:
            wrong.append(Wrong(column=column.name, why=str(error)))
    fit = Staging(entity=made.entity, columns=tuple(texts))
    line = fit.lines(Batch(numbers=[1], rows=[list(texts.values())]))
    await keeping.staged(session, made.entity.name, fit.targets, line)
    return wrong


async def _faults(session: door.Session, name: str) -> list[Wrong]:
    """What the import has found wrong with the row so far."""
    found = [fault async for _, fault in importing.faults(session, name)]
    parts = [line.partition("\t") for fault in found for line in fault.split("\n")]
    return [Wrong(column=column, why=why) for column, _, why in parts]
