"""A branch below customer 1: people whom a send to it reaches, and whom an expander looks for."""

from collections.abc import Mapping, Sequence

import asyncpg

from tests.integration.expansion.people import Directory
from tests.stories.house import House

TERMS = [{"type": "people", "scope": "descendants"}]
"""The audience of a send to all of it."""
_BELOW = 11


async def peopled(house: House, people: Sequence[Mapping[str, str]]) -> None:
    """Enters these people with their addresses and names; no daemon has to have run before."""
    connection = await asyncpg.connect(house.dsn, timeout=10)
    try:
        directory = Directory(connection)
        await directory.customer(1)
        await directory.customer(_BELOW, 1)
        for one in people:
            await directory.person(_BELOW, one["address"], forename=one["name"])
    finally:
        await connection.close()
