"""The release after this one: our own code in a folder of its own, and what it has beyond ours.

It knows two steps more. The first adds a column that may be empty, and the release fills it; the
second demands it, which no program of today could live with.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from daemon.store import schema
from tests.stories.servers import TOP

VERSION = "99.0.0"
"""Of the next release, as it stands in `instance.version`."""
_EXPAND = """-- expand: what an instance was built from, and room for more where traffic is.
ALTER TABLE instance ADD COLUMN origin text;
ALTER TABLE batch ADD COLUMN more jsonb;
ALTER TABLE delivery ADD COLUMN more jsonb;
ALTER TABLE job ADD COLUMN more jsonb;
CREATE TABLE more (id bigint PRIMARY KEY);
"""
_CONTRACT = """-- contract: every instance says what it was built from.
DELETE FROM instance WHERE origin IS NULL;
ALTER TABLE instance ALTER COLUMN origin SET NOT NULL;
"""
_REGISTERS = re.compile(r"(INSERT INTO instance \()(.*?VALUES \()", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Where its code lies, and the files of its two steps."""

    code: Path
    expand: str
    contract: str


def after_ours(code: Path) -> Release:
    """Makes it, in a folder that isn't there yet."""
    # what others compile meanwhile comes and goes under names of its own
    compiled = shutil.ignore_patterns("__pycache__")
    shutil.copytree(TOP / "daemon", code / "daemon", ignore=compiled)
    number = schema.steps()[-1].number
    release = Release(
        code=code,
        expand=f"{number + 1:04}_origin.sql",
        contract=f"{number + 2:04}_origin_known.sql",
    )
    steps = code / "daemon/store/migrations"
    (steps / release.expand).write_text(_EXPAND)
    (steps / release.contract).write_text(_CONTRACT)
    _fill(code / "daemon/store/sql/instances.sql")
    about = code / f"deliveryd-{VERSION}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: deliveryd\nVersion: {VERSION}\n")
    return release


def _fill(statements: Path) -> None:
    """An instance of it fills the column that its first step has added."""
    text, found = _REGISTERS.subn(r"\1origin, \2'next', ", statements.read_text())
    assert found == 1
    statements.write_text(text)
