"""What somebody's role lets him do."""

from daemon.store import door

FULL, LOOK = 1, 2
"""Everything; only looking."""


async def access(session: door.Session, person: int, privilege: str) -> int:
    """What his role gives him of a privilege; 0 = nothing, as without a role."""
    return int(await session.value("rights.access", person, privilege))
