"""The edge: what was typed becomes a command, what went wrong a line and an exit code.

It imports as little as it can, since everybody waits for it: the parser only once there is
something to parse, a command only once it is called.
"""

import os
import sys
from collections.abc import Sequence

from daemon.cli import faults, overview
from daemon.cli.commands import NAME
from daemon.cli.exits import Exit


def run(arguments: Sequence[str]) -> int:
    """One command, from what was typed to its exit code. Never raises but for `SystemExit`."""
    try:
        typed = _helped(arguments)
        if (page := overview.asked(typed)) is not None:
            sys.stdout.write(page)
            return Exit.OK
        return _called(typed)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return _unheard()
    except Exception as error:  # noqa: BLE001 - the edge: nobody above would tell of it
        return _told(*faults.explain(error))


def _helped(arguments: Sequence[str]) -> list[str]:
    """`help trace` is what others call `trace --help`."""
    typed = list(arguments)
    return [*typed[1:], "--help"] if typed[:1] == ["help"] else typed


def _called(arguments: Sequence[str]) -> int:
    import logging  # noqa: PLC0415 - see above

    from daemon.cli import calling  # noqa: PLC0415 - see above

    # what went wrong we say ourselves, once; the daemon gives the libraries' remarks a form
    logging.getLogger().addHandler(logging.NullHandler())
    return int(calling.called(arguments) or Exit.OK)


def _told(code: Exit, lines: Sequence[str]) -> Exit:
    for line in lines:
        for part in line.splitlines():
            sys.stderr.write(f"{NAME}: {part}\n")
    return code


def _unheard() -> Exit:
    """Whoever read our output has left, as `head` does; nothing more may be written to it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.FAILED
