"""`deliveryd directory password`: gives somebody a password, or takes it.

It goes to the database itself, and not by request: a secret has no business at the broker.
"""

import asyncio
import getpass
import sys
from typing import Annotated

from cyclopts import Parameter

from daemon.cli import configured, doors, ranges, typist
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.directory import passwords


def password(
    number: Annotated[int, Parameter(help="A person's number.", validator=ranges.ID)],
    /,
    *,
    remove: Annotated[
        bool, Parameter(help="Take it away instead.", negative="", show_default=False)
    ] = False,
    options: Options = DEFAULT,
) -> int:
    """Give a person a password, typed unseen or read from standard input; its hash is kept."""
    typed = None if remove else _typed()
    if not asyncio.run(_given(number, typed, options)):
        raise Ended(f"there is no person {number}")
    said = "has no password any more" if remove else "has another password"
    Screen(options).show({"person": number, "removed": remove}, [f"person {number} {said}"])
    return Exit.OK


def _typed() -> str:
    """Before there is a loop, so that Ctrl-C is heard at once."""
    typed = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not passwords.SHORTEST <= len(typed) <= passwords.LONGEST:
        length = f"{passwords.SHORTEST} to {passwords.LONGEST:,} characters"
        raise Ended(f"a password has {length}", Exit.USAGE)
    return typed


async def _given(number: int, typed: str | None, options: Options) -> bool:
    async with doors.postgres(configured.settings(options)) as store:
        return await passwords.give(store, number, typed, by=typist.name())
