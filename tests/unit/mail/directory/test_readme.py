"""The page that says which columns there are says it of all, and of no others."""

from pathlib import Path

import daemon.mail.directory
from daemon.mail.directory.entities import BY_NAME, Entity


def described(entity: Entity) -> str:
    """The page's row for an entity."""
    names = [f"**{one.name}**" if one.required else one.name for one in entity.columns]
    return f"| {entity.name} | {entity.known_by} | {', '.join(names)} |"


def test_the_columns() -> None:
    """A row for each entity: what it is known by, and its columns in their order."""
    page = Path(daemon.mail.directory.__file__).with_name("README.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert rows[1:] == [described(entity) for entity in BY_NAME.values()]
