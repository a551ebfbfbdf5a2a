"""The shared directory of the requirements (3.1), loaded as an operator would load it.

`loaded` may be called on any migrated database that has no customers yet. What no import brings is
put in by what an operator would use for it, except for what the database itself refuses.
"""

from decimal import Decimal
from pathlib import Path

from daemon.directory import credit, importing, sheets
from daemon.directory.importing import Imported
from daemon.mail.money import Kind
from daemon.store import directory, door
from daemon.store.directory import TransportRow

FIXTURES = Path(__file__).parents[2] / "fixtures"

BEHIND_THE_GUARD = (
    "ALTER TABLE customer DISABLE TRIGGER customer_tree_is_kept",
    (
        "INSERT INTO customer (id, parent_id, name, plan_id, status)"
        " VALUES (731, 73, 'Orphan', 1, 'active')"
    ),
    "ALTER TABLE customer ENABLE TRIGGER customer_tree_is_kept",
)
"""Puts customer 731 in under 73, who is deleted: bad data, which the trigger refuses otherwise."""
_CREDIT = Decimal("55.75502839")
"""Of customer 7."""


async def loaded(store: door.Store) -> list[Imported]:
    """Everything of the fixture: tree, people, contacts, lists, transports, credit."""
    done = await brought(store, FIXTURES / "tree")
    await _orphaned(store)
    transports = [_transport(1, 7, "mailer@acme.example"), _transport(2, 8, "mailer@other.example")]
    await directory.load(store, customers=[], transports=transports, tokens=[])
    done += await brought(store, FIXTURES / "people")
    async with store.transaction() as session:
        await credit.opened(session, 7, "EUR", by="test")
        await credit.entered(session, Kind.TOPUP, 7, _CREDIT, key="first", by="test")
    return done


async def brought(store: door.Store, path: Path, entity: str | None = None) -> list[Imported]:
    """Imports a file, or a folder of them."""
    sources = [sheets.source(path, entity)] if path.suffix else sheets.folder(path)
    return await importing.imported(store, sources, by="test", step=lambda _: None)


async def _orphaned(store: door.Store) -> None:
    async with store.transaction() as session:
        for statement in BEHIND_THE_GUARD:
            await session._connection.execute(statement)


def _transport(number: int, customer: int, from_address: str) -> TransportRow:
    return TransportRow(
        id=number, customer_id=customer, name=f"transport {number}", kind="smtp",
        host="127.0.0.1", port=25, tls="none", username="", sender=from_address,
        from_address=from_address, from_name="", is_default=True, max_connections=5,
        max_per_second=0.0,
    )  # fmt: skip
