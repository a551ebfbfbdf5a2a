"""The directory's rows: customers, transports with their lanes, tokens."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from daemon.mail import limits
from daemon.mail.limits import Limits
from daemon.store import door
from daemon.tasks import Refusal


class Unlawful(Refusal):
    """What is to be entered breaks a law of the directory, beside what is there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Whose request it is."""

    id: int
    name: str
    timezone: str
    """IANA name."""
    status: str
    limits: Limits = limits.NONE
    """Of his plan."""
    denied: frozenset[str] = frozenset()
    """What his plan doesn't allow, by privilege."""

    @property
    def is_active(self) -> bool:
        """Whether requests are accepted."""
        return self.status == "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Somebody by his username."""

    id: int
    customer_id: int
    password_hash: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRow:
    """A customer as the configuration has it."""

    id: int
    parent_id: int | None
    name: str
    timezone: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportRow:
    """A transport as the configuration has it; its password isn't stored."""

    id: int
    customer_id: int
    name: str
    kind: str
    host: str
    port: int
    tls: str
    username: str
    sender: str
    from_address: str
    from_name: str
    is_default: bool
    max_connections: int
    max_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """A token, by its keyed hash."""

    customer_id: int
    scheme: str
    login: str
    key_hash: bytes


async def load(
    store: door.Store,
    *,
    customers: Sequence[CustomerRow],
    transports: Sequence[TransportRow],
    tokens: Sequence[TokenRow],
) -> None:
    """Makes the directory what is given, in one transaction.

    Customers who aren't named are kept as they are, transports go out of use, tokens are revoked.
    Raises `Unlawful`, and has changed nothing.
    """
    async with store.transaction() as session:
        await session.run("directory.lock")
        try:
            await _enter(session, customers)
        except asyncpg.CheckViolationError as error:
            raise Unlawful(f"[[customer]]: {error}") from error
        await _enter_transports(session, transports)
        await session.run("directory.tokens_gone", [token.key_hash for token in tokens])
        await session.run(
            "directory.tokens",
            [token.customer_id for token in tokens],
            [token.scheme for token in tokens],
            [token.login for token in tokens],
            [token.key_hash for token in tokens],
        )


async def has_person(store: door.Store, customer: int, person: int, *, is_vouched: bool) -> bool:
    """Whether somebody is of a customer, still there, and of no role that keeps him out.

    Unless he is vouched for, he must not be bound to a network either.
    """
    found: bool = await store.value("directory.person", customer, person, is_vouched)
    return found


async def named(store: door.Store, username: str) -> Named | None:
    """Who has a username, whatever has become of him."""
    row = await store.row("directory.named", username)
    return Named(**dict(row)) if row else None


async def is_within(session: door.Session, above: int, customer: int) -> bool:
    """Whether a customer is another one or below him, with nobody deleted on the way."""
    found: bool = await session.value("directory.is_within", above, customer)
    return found


async def access(store: door.Store, person: int) -> dict[str, int]:
    """What somebody's role lets him do, by privilege: 1 everything, 2 look only."""
    rows = await store.rows("directory.access", person)
    return {row["privilege"]: row["access"] for row in rows}


async def customer(store: door.Store, number: int) -> Customer | None:
    """A customer by his number."""
    row = await store.row("directory.customer", number)
    if row is None:
        return None
    return Customer(
        id=row["id"],
        name=row["name"],
        timezone=row["timezone"],
        status=row["status"],
        limits=Limits(
            per_job=row["max_recipients_per_request"],
            requests_per_minute=row["max_requests_per_minute"],
            per_day=row["max_recipients_per_day"],
            per_month=row["max_recipients_per_month"],
        ),
        denied=frozenset(row["denied"]),
    )


async def _enter(session: door.Session, customers: Sequence[CustomerRow]) -> None:
    await session.run(
        "directory.customers",
        [customer.id for customer in customers],
        [customer.parent_id for customer in customers],
        [customer.name for customer in customers],
        [customer.timezone for customer in customers],
        [customer.status for customer in customers],
    )


async def _enter_transports(session: door.Session, transports: Sequence[TransportRow]) -> None:
    numbers = [transport.id for transport in transports]
    defaults = [transport.id for transport in transports if transport.is_default]
    await session.run("directory.transports_gone", numbers, defaults)
    await session.run(
        "directory.transports",
        numbers,
        [transport.customer_id for transport in transports],
        [transport.name for transport in transports],
        [transport.kind for transport in transports],
        [transport.host for transport in transports],
        [transport.port for transport in transports],
        [transport.tls for transport in transports],
        [transport.username or None for transport in transports],
        [transport.sender for transport in transports],
        [transport.from_address for transport in transports],
        [transport.from_name for transport in transports],
        [transport.is_default for transport in transports],
    )
    await session.run(
        "directory.lanes",
        numbers,
        [transport.max_connections for transport in transports],
        [transport.max_per_second for transport in transports],
    )


async def is_above(store: door.Store | door.Session, above: int, below: int) -> bool:
    """Whether a customer is an ancestor of another one."""
    found: bool = await store.value("directory.is_above", above, below)
    return found
