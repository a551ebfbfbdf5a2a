"""What stands still while somebody else is away: told once per ten seconds and cause, by whoever.

A server that is away stops ten parts at once, and each would say so. They all ask here: the first
one writes its line, and the next line of the same cause says how many were kept back since. A cause
is a server that is away, however that shows, or one "no" of a server that is there.
"""

from typing import Any

from daemon import logs

_shared = logs.Seldom()
"""Of all parts of this process."""


class Outage(Exception):
    """Something that we need isn't there for us; its text is for people."""

    @property
    def cause(self) -> str:
        """What all lines about the same trouble have in common, whichever part writes them."""
        return str(self)


def tell(log: logs.Log, line: str, outage: Outage, **fields: Any) -> None:
    """A warning of this name, unless somebody told of the same cause a moment ago."""
    swallowed = _shared.ask(outage.cause)
    if swallowed is not None:
        log.warning(line, cause=outage.cause, why=str(outage), **fields, swallowed=swallowed)
