"""`deliveryd migrate`: the schema of the database, brought to what this program needs."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from daemon.cli import asking, configured, doors, words
from daemon.cli.exits import Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.store import migrate as schema
from daemon.store.schema import Step


def migrate(
    *,
    dry_run: Annotated[
        bool, Parameter(help="Only tell what would be applied.", negative="", show_default=False)
    ] = False,
    status: Annotated[
        bool,
        Parameter(
            help="As --dry-run, and exit 1 if anything is missing.",
            negative="",
            show_default=False,
        ),
    ] = False,
    contract: Annotated[
        bool,
        Parameter(
            help="Also take away what older releases used, once none of them runs any more.",
            negative="",
            show_default=False,
        ),
    ] = False,
    yes: Annotated[
        bool, Parameter(help="Don't ask before --contract.", negative="", show_default=False)
    ] = False,
    options: Options = DEFAULT,
) -> int:
    """Bring the database to this program's schema, while instances of the last release go on.

    Each step is one transaction, under a lock: two at once do no harm.
    """
    reach = doors.reach(configured.settings(options))
    if dry_run or status:
        missing = asyncio.run(schema.pending(reach))
        _show(options, missing, applied=False)
        return Exit.FAILED if status and missing else Exit.OK
    if contract:
        asking.sure("Take away what older releases use? None of them can run then.", yes=yes)
    today = datetime.now(UTC).date()
    done = asyncio.run(schema.migrated(reach, today=today, contract=contract))
    _show(options, done, applied=True)
    return Exit.OK


def _show(options: Options, steps: Sequence[Step], *, applied: bool) -> None:
    names = [step.name for step in steps]
    verb = "applied" if applied else "missing"
    document = {"applied": names if applied else [], "missing": [] if applied else names}
    view = [f"{verb} {name}" for name in names]
    closing = words.number(len(names), f"migration {verb}", f"migrations {verb}")
    Screen(options).show(document, [*view, closing if names else "the schema is up to date"])
