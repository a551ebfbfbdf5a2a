"""`directory.*`: customers, people, billing contacts, agents, plans and roles, a row at a time.

A customer keeps what is his and of those below him; about himself as a customer only somebody above
decides, or whom the configuration trusts. Roles are everybody's: the root keeps them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.directory import keeping as putting
from daemon.directory.keeping import Busy, Put, Wrong
from daemon.intake import inquiries, reach, verdicts
from daemon.intake.ask import Ask, Verdict
from daemon.ledger.writer import Append
from daemon.mail.directory.entities import BY_NAME
from daemon.mail.refusal import Code, Fault, Refused
from daemon.mail.request.keeping import (
    DirectoryDelete,
    DirectoryGet,
    DirectoryList,
    DirectoryPut,
)
from daemon.store import changes, door, importing, keeping
from daemon.store.changes import Change

PRIVILEGE = "system"
ROOT = 0

_NOT_ONESELF = "about a customer himself somebody above him decides"
_ROLES = "roles are kept by the root, customer 0"
_BUSY = "an import is under way: ask again when it is over"
_HELD = "others still hang on it"
_OVERTAKEN = "somebody else changed the directory at this moment: ask again"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """What a row is to be put over: who owns it, and how it stands; None = it is new."""

    owner: int
    row: Mapping[str, Any] | None


async def looked(store: door.Store, ask: Ask, command: DirectoryGet | DirectoryList) -> Verdict:
    """One row, or a page of them."""
    if isinstance(command, DirectoryGet):
        return await _got(store, ask, command)
    return await _listed(store, ask, command)


async def changed(append: Append, ask: Ask, command: DirectoryPut | DirectoryDelete) -> Verdict:
    """A row is put, or goes."""
    if no := await _may_not(append.session, ask, command.entity):
        return no
    if isinstance(command, DirectoryPut):
        return await _put(append, ask, command)
    return await _deleted(append, ask, command)


async def _got(store: door.Store, ask: Ask, command: DirectoryGet) -> Verdict:
    """One row."""
    async with store.session() as session:
        if no := await reach.forbidden(session, ask, PRIVILEGE, looks=True):
            return no
        found = await _found(session, ask, command.entity, command.id, command.customer)
    if isinstance(found, Verdict):
        return found
    return verdicts.done(ask, {"entity": command.entity, "row": dict(found)})


async def _listed(store: door.Store, ask: Ask, command: DirectoryList) -> Verdict:
    """A page of rows."""
    page = inquiries.page(command.page)
    if page is None:
        return inquiries.no_page(ask)
    async with store.session() as session:
        if no := await reach.forbidden(session, ask, PRIVILEGE, looks=True):
            return no
        customer = await reach.customer(session, ask, command.customer)
        if isinstance(customer, Verdict):
            return customer
        found = await keeping.rows(
            session,
            command.entity,
            customer=customer,
            number=None,
            after=page,
            limit=command.limit,
        )
    following = str(found[-1]["id"]) if len(found) == command.limit else None
    return verdicts.done(ask, {"entity": command.entity, "rows": found, "next": following})


async def _put(append: Append, ask: Ask, command: DirectoryPut) -> Verdict:
    """Enters a row, or changes one."""
    session = append.session
    target = await _target(session, ask, command)
    if isinstance(target, Verdict):
        return target
    if no := await _stranger(session, ask, command.row, target):
        return no
    row = await _completed(session, command, target)
    try:
        done = await putting.put(session, command.entity, row)
    except Busy:
        return verdicts.conflict(ask, "", _BUSY)
    except importing.Overtaken:
        return verdicts.conflict(ask, "", _OVERTAKEN)
    return await _told(session, ask, command, target, done, row)


async def _deleted(append: Append, ask: Ask, command: DirectoryDelete) -> Verdict:
    """One row goes."""
    session, entity = append.session, command.entity
    found = await _found(session, ask, entity, command.id, command.customer)
    if isinstance(found, Verdict):
        return found
    if entity == "customer" and _is_himself(ask, command.id):
        return verdicts.refused(ask, Code.FORBIDDEN_ROLE, "id", _NOT_ONESELF)
    owner = _owner(entity, found)
    try:
        gone = await keeping.delete(session, entity, owner, command.id)
    except keeping.Held:
        return verdicts.conflict(ask, "id", _HELD)
    if gone:
        change = Change(by=ask.by, customer=owner, entity=entity, number=command.id, deed="deleted")
        await changes.note(session, change)
    return verdicts.done(ask, {"entity": entity, "id": command.id}, unchanged=not gone)


def _is_himself(ask: Ask, customer: int) -> bool:
    """Whether that is himself, of whom he doesn't decide."""
    return customer == ask.customer.id and not _is_operator(ask)


def _is_operator(ask: Ask) -> bool:
    """Whom the configuration trusts, speaking for a customer as a whole."""
    return ask.is_trusted and ask.person_id is None


async def _may_not(session: door.Session, ask: Ask, entity: str) -> Verdict | None:
    if no := await reach.forbidden(session, ask, PRIVILEGE):
        return no
    if entity == "role" and ask.customer.id != ROOT and not _is_operator(ask):
        return verdicts.refused(ask, Code.FORBIDDEN_ROLE, "entity", _ROLES)
    return None


async def _found(
    session: door.Session, ask: Ask, entity: str, number: int, customer: int | None
) -> Mapping[str, Any] | Verdict:
    """A row within reach; any other isn't there."""
    whose = await reach.customer(session, ask, customer)
    if isinstance(whose, Verdict):
        return whose
    found = await keeping.rows(session, entity, customer=whose, number=number, after=-1, limit=1)
    if found and (entity == "role" or await reach.is_his(session, ask, _owner(entity, found[0]))):
        return found[0]
    return verdicts.not_found(ask, "id")


def _owner(entity: str, row: Mapping[str, Any]) -> int:
    """Whose a row is; a customer is his own, and roles are the root's."""
    return int(row["id"] if entity == "customer" else row.get("customer_id", ROOT))


async def _target(session: door.Session, ask: Ask, command: DirectoryPut) -> _Target | Verdict:
    """What is there already under the id that a row brings; nobody chooses ids by request."""
    entity, number = command.entity, command.row.get("id")
    if number is None:
        named = command.row.get("customer_id")
        if named is not None and type(named) is not int:
            return verdicts.refused(ask, Code.PARAM_INVALID, "row.customer_id", "must be a number")
        owner = await reach.customer(session, ask, named, field="row.customer_id")
        return owner if isinstance(owner, Verdict) else _Target(owner=owner, row=None)
    if type(number) is not int or not 0 < number < 2**63:
        return verdicts.refused(ask, Code.PARAM_INVALID, "row.id", "must be an id")
    found = await keeping.rows(
        session, entity, customer=ask.customer.id, number=number, after=-1, limit=1
    )
    is_his = found and (
        entity == "role" or await reach.is_his(session, ask, _owner(entity, found[0]))
    )
    if not is_his:
        return verdicts.not_found(ask, "row.id")
    if entity == "customer" and _is_himself(ask, number):
        return verdicts.refused(ask, Code.FORBIDDEN_ROLE, "row.id", _NOT_ONESELF)
    return _Target(owner=_owner(entity, found[0]), row=found[0])


_OWNED_BY = {"person_id": "person", "plan_id": "plan", "parent_id": "customer"}
"""Fields that name a row of somebody's, and what kind of row."""


async def _stranger(
    session: door.Session, ask: Ask, row: Mapping[str, Any], target: _Target
) -> Verdict | None:
    """A row that names what is out of reach, as one that isn't there."""
    if "customer_id" in row and row["customer_id"] != target.owner:
        return verdicts.not_found(ask, "row.customer_id")
    for field, entity in _OWNED_BY.items():
        number = row.get(field)
        if type(number) is not int:
            continue  # none, or no number, which is told of when the row is read
        found = 0 < number < 2**63 and await keeping.rows(
            session, entity, customer=ask.customer.id, number=number, after=-1, limit=1
        )
        if not found or not await _may_name(session, ask, entity, found[0]):
            return verdicts.not_found(ask, f"row.{field}")
    return None


async def _may_name(session: door.Session, ask: Ask, entity: str, row: Mapping[str, Any]) -> bool:
    """Plans of those above are shared downwards; all else is one's own or of somebody below."""
    owner = _owner(entity, row)
    if await reach.is_his(session, ask, owner):
        return True
    return entity == "plan" and await reach.is_shared(session, ask, owner)


async def _completed(
    session: door.Session, command: DirectoryPut, target: _Target
) -> dict[str, Any]:
    """The row with what an import would want besides."""
    row, columns = dict(command.row), BY_NAME[command.entity].columns
    for column in columns:
        if column.required and column.name not in row and target.row is not None:
            row[column.name] = target.row[column.name]
    if any(column.name == "customer_id" for column in columns):
        row.setdefault("customer_id", target.owner)
    if command.entity == "customer" and target.row is None:
        row["id"] = await keeping.next_customer(session)
        row.setdefault("parent_id", target.owner)
    return row


async def _told(
    session: door.Session,
    ask: Ask,
    command: DirectoryPut,
    target: _Target,
    done: Put | Sequence[Wrong],
    row: Mapping[str, Any],
) -> Verdict:
    if not isinstance(done, Put):
        return _wrong(ask, done)
    entity, number = command.entity, done.number or int(row["person_id"])
    if done.changed:
        change = Change(
            by=ask.by,
            customer=target.owner,
            entity=entity,
            number=number,
            deed="created" if done.is_new else "changed",
            detail={"fields": sorted(command.row)},
        )
        await changes.note(session, change)
    found = await keeping.rows(
        session, entity, customer=target.owner, number=number, after=-1, limit=1
    )
    result = {"entity": entity, "id": number, "row": found[0]}
    return verdicts.done(ask, result, unchanged=not done.changed)


def _wrong(ask: Ask, wrong: Sequence[Wrong]) -> Verdict:
    faults = tuple(
        Fault(
            code=Code.PARAM_INVALID,
            field=f"row.{one.column}" if one.column else "row",
            message=one.why,
        )
        for one in wrong
    )
    refused = Refused(faults=faults, command=ask.request.command, request_id=ask.request_id)
    return Verdict(result="refused", answer=refused)
