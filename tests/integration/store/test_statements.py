"""Every statement is prepared against the migrated schema."""

import asyncpg
import pytest

from daemon.store import statements

_OUTSIDE = {"schema.table"}
"""DDL: it can't be prepared, and runs in every migration."""


@pytest.mark.parametrize("name", sorted(set(statements.everything()) - _OUTSIDE))
async def test_prepares(name: str, dsn: str) -> None:
    """A statement names only tables and columns that exist, and its parameters have a type."""
    connection = await asyncpg.connect(dsn)
    try:
        prepared = await connection.prepare(statements.text(name))
        assert prepared.get_parameters() is not None
    finally:
        await connection.close()


def test_every_statement_says_what_it_does() -> None:
    """A statement opens with at least one sentence."""
    silent = [
        name
        for name, text in statements.everything().items()
        if not text.startswith("-- ") or not text.split("\n")[0].rstrip().endswith((".", ":", ",", ";"))
        and "." not in text.split("\n")[0] + text.split("\n")[1]
    ]
    assert silent == []
