"""Every statement is prepared against the migrated schema."""

import asyncpg

from daemon.store import importing, statements

_DDL = {"schema.table"}
"""It can't be prepared, and runs in every migration."""


async def test_every_statement_prepares(shared_dsn: str) -> None:
    """A statement names only tables and columns that exist, and its parameters have a type."""
    connection = await asyncpg.connect(shared_dsn)
    broken: dict[str, str] = {}
    try:
        for name in ("import.create", *(steps.create for steps in importing.STEPS.values())):
            await connection.execute(statements.text(name).replace("ON COMMIT DROP", ""))
        for name, text in statements.everything().items():
            try:
                await connection.prepare(text)
            except asyncpg.PostgresError as error:
                broken[name] = str(error)
    finally:
        await connection.close()
    assert {name: why for name, why in broken.items() if name not in _DDL} == {}
