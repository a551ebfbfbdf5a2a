"""Keys: made, and taken back. The secret itself is seen once, by whoever asked for it."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from daemon.directory import principals
from daemon.store import door, instances, keys

_MARK = "dk_"
"""What every token begins with, so that whoever finds one somewhere knows what it is."""
_OCTETS = 32
_SHOWN = 8
"""Characters of a token by which people tell it from others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A key that somebody asks for."""

    customer: int
    person: int | None = None
    scheme: str = "form_token"
    login: str = ""
    scopes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A key that was made."""

    id: int
    token: str
    """Nobody can show it again."""


class Revoked(Enum):
    """What became of a key that was to be revoked."""

    NOW = "revoked"
    BEFORE = "was revoked before"
    CONFIGURED = "comes from the configuration: take it out of there, and reload"
    UNKNOWN = "names no key"


async def hash_key(store: door.Store, configured: str) -> bytes:
    """What keys the hashes of bodies and tokens: the configured one, else the database's own."""
    return configured.encode() if configured else await instances.hash_key(store)


async def create(store: door.Store, wanted: Wanted, *, key: bytes, by: str) -> Created | None:
    """Makes one; None where there is no such customer, or nobody of this number of his."""
    token = _MARK + secrets.token_urlsafe(_OCTETS)
    new = keys.New(
        customer=wanted.customer,
        person=wanted.person,
        scheme=wanted.scheme,
        login=wanted.login,
        key_hash=principals.digest(key, token),
        prefix=token[:_SHOWN],
        scopes=wanted.scopes,
        sources=wanted.sources,
        expires_at=wanted.expires_at,
    )
    number = await keys.create(store, new, by=by)
    return None if number is None else Created(id=number, token=token)


async def revoke(store: door.Store, number: int, *, by: str) -> Revoked:
    """Ends one for good; every instance knows within `principals.KEPT` seconds."""
    async with store.transaction() as session:
        found = await keys.held(session, number)
        if found is None:
            return Revoked.UNKNOWN
        if found.origin == "config":
            return Revoked.CONFIGURED
        if found.revoked_at is not None:
            return Revoked.BEFORE
        await keys.revoke(session, number, customer=found.customer_id, by=by)
    return Revoked.NOW
