"""Exit codes, and the exception with which a command says that it didn't succeed.

The codes above 2 are those of sysexits.h; scripts and systemd tell by them what to do next.
"""

from enum import IntEnum
from types import MappingProxyType


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    """It was carried out, and the answer is no: no such job, a mismatch, a refusal."""
    USAGE = 2
    """What was typed is no command."""
    DATA = 65
    """The request that was given isn't valid."""
    UNAVAILABLE = 69
    """The broker or the database can't be reached, or isn't ready for us."""
    SOFTWARE = 70
    """A fault of ours."""
    TEMPORARY = 75
    """No answer in time, or not now: the same again later may succeed."""
    CONFIG = 78
    """The configuration can't be used; restarting doesn't help."""
    INTERRUPTED = 130
    """Ctrl-C."""


MEANING = MappingProxyType(
    {
        Exit.OK: "Done; also where there was nothing left to do, which is said then.",
        Exit.FAILED: "Done, and the answer is no: no such job, refused as things stand, a mismatch,"
        " not all were sent or brought in.",
        Exit.USAGE: "What was typed is no command.",
        Exit.DATA: "The request isn't valid.",
        Exit.UNAVAILABLE: "RabbitMQ or Postgres can't be reached, or isn't ready for us.",
        Exit.SOFTWARE: "A fault of ours, with a traceback.",
        Exit.TEMPORARY: "No answer in time, or not now: later it may succeed.",
        Exit.CONFIG: "The configuration can't be used.",
        Exit.INTERRUPTED: "Ctrl-C.",
    }
)
"""For whoever reads the manual."""


class Ended(Exception):
    """A command's end that is no success: the one line to say, and the exit code."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.code = code
