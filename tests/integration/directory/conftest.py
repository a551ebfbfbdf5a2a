"""What the directory's tests share: files written for one test, and what is stored then."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from daemon.directory import importing, sheets
from daemon.directory.importing import Imported
from daemon.store import door
from tests.integration.directory import acme

Written = Callable[..., Path]
Import = Callable[..., Awaitable[list[Imported]]]
Asked = Callable[..., Awaitable[list[tuple[object, ...]]]]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes a file, from lines or octets."""

    def written(name: str, *lines: str, octets: bytes | None = None) -> Path:
        path = tmp_path / name
        path.write_bytes(
            "".join(f"{line}\n" for line in lines).encode() if octets is None else octets
        )
        return path

    return written


@pytest.fixture
def imports(store: door.Store) -> Import:
    """Imports files as one."""

    async def imported(*paths: Path) -> list[Imported]:
        sources = [sheets.source(path, None) for path in paths]
        return await importing.imported(store, sources, by="test", step=lambda _: None)

    return imported


@pytest.fixture
def asked(store: door.Store) -> Asked:
    """What a query of a test's own answers."""

    async def asked(query: str, *args: object) -> list[tuple[object, ...]]:
        async with store.session() as session:
            return [tuple(row) for row in await session._connection.fetch(query, *args)]

    return asked


@pytest.fixture
async def acmes(store: door.Store) -> door.Store:
    """The shared directory in the store of the test itself, to import more into it."""
    assert all(one.rejected == 0 for one in await acme.loaded(store))
    return store


def rejects(path: Path) -> list[str]:
    """The lines of a file's rejects, without the head; none if there is no such file."""
    beside = path.with_name(f"{path.name}{sheets.REJECTS}")
    return beside.read_text().splitlines()[1:] if beside.exists() else []
