"""What stands still while somebody else is away. `logs.outage` tells of it once, for all parts."""


class Outage(Exception):
    """Something that we need isn't there for us; its text is for people."""

    @property
    def cause(self) -> str:
        """What all lines about the same trouble have in common, whichever part writes them."""
        return str(self)
