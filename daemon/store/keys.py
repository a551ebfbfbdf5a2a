"""Keys by which somebody asks, without being a broker user: known by their keyed hashes only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daemon.store import changes, door
from daemon.store.changes import Change

ENTITY = "api_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A key that is to be."""

    customer: int
    person: int | None
    """Whose of the customer's; None = nobody's in particular, it may do what the customer may."""
    scheme: str
    login: str
    key_hash: bytes
    prefix: str
    """Its first characters: by these a person tells it from his others."""
    scopes: Sequence[str]
    """The commands that it is for, or their families; empty = all."""
    sources: Sequence[str]
    """The networks that it may come from; empty = any."""
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it is shown."""

    id: int
    customer_id: int
    person_id: int | None
    scheme: str
    login: str
    prefix: str | None
    scopes: Sequence[str]
    sources: Sequence[str]
    origin: str
    """`config` = the configuration brought it, and takes it away; `api` = it was created."""
    created_at: datetime
    last_used_at: datetime | None
    """To the minute."""
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A key that is about to be changed."""

    customer_id: int
    origin: str
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """For whom a token speaks, and for which commands."""

    customer_id: int
    person_id: int | None
    scopes: Sequence[str]


async def create(store: door.Store, new: New, *, by: str) -> int | None:
    """Its id; None where there is no such customer, or nobody of this number of his."""
    async with store.transaction() as session:
        number: int | None = await session.value(
            "keys.create",
            new.customer,
            new.person,
            new.scheme,
            new.login,
            new.key_hash,
            new.prefix,
            new.scopes,
            new.sources,
            new.expires_at,
        )
        if number is not None:
            detail = {"prefix": new.prefix, "scopes": list(new.scopes), "person": new.person}
            made = Change(
                by=by,
                customer=new.customer,
                entity=ENTITY,
                number=number,
                deed="created",
                detail=detail,
            )
            await changes.note(session, made)
    return number


async def listed(
    store: door.Store, customer: int | None, *, ended: bool, after: int, limit: int
) -> list[Key]:
    """Keys of a customer or of all, in order; those that are over only if `ended`."""
    rows = await store.rows("keys.list", customer, ended, after, limit)
    return [Key(**dict(row)) for row in rows]


async def held(session: door.Session, number: int) -> Held | None:
    """A key, locked."""
    row = await session.row("keys.locked", number)
    return Held(**dict(row)) if row else None


async def revoke(session: door.Session, number: int, *, customer: int, by: str) -> None:
    """Ends a key for good."""
    await session.run("keys.revoke", number)
    gone = Change(by=by, customer=customer, entity=ENTITY, number=number, deed="deleted")
    await changes.note(session, gone)


async def named(store: door.Store, customer: int, number: int) -> Holder | None:
    """For whom a key of a customer's speaks; None when he has none of this id, or it is over."""
    row = await store.row("keys.named", customer, number)
    return Holder(**dict(row)) if row else None


async def holder(
    store: door.Store, scheme: str, login: str, key_hash: bytes, *, source: str | None = None
) -> Holder | None:
    """For whom a token speaks; None for one that is unknown, over, or not from where it must be."""
    row = await store.row("keys.of", scheme, key_hash, login, source)
    return Holder(**dict(row)) if row else None
