"""What an export reads: every row of an entity, in the columns and the form of an import."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from daemon.store import door

_STATEMENTS: Mapping[str, str] = MappingProxyType(
    {
        "role": "export.role",
        "customer": "export.customer",
        "plan": "export.plan",
        "person": "export.person",
        "agent": "export.agent",
        "billing_contact": "export.billing_contact",
        "contact": "export.contact",
        "list": "export.list",
        "list_member": "export.list_member",
        "suppression": "export.suppression",
        "sender": "export.sender",
        "campaign": "export.campaign",
        "unsubscribe_text": "export.unsubscribe_text",
    }
)


async def begun(session: door.Session) -> None:
    """Everything that a transaction reads from now on is as of one moment."""
    await session.run("export.snapshot")


async def rows(session: door.Session, entity: str, write: Callable[[bytes], object]) -> int:
    """Hands over every row as CSV with a header, a piece at a time; answers how many there were."""

    async def take(piece: bytes) -> None:
        write(piece)

    return await session.copy_out(_STATEMENTS[entity], take)
