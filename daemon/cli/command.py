"""What a command is, in the tables of contents."""

from dataclasses import dataclass

NAME = "deliveryd"
RUN, SEND, LOOK, CHANGE, TRY, HELP = "Run", "Send", "Look", "Change", "Try", "Help"
GROUPS = (RUN, SEND, LOOK, CHANGE, TRY, HELP)
"""In the order in which --help shows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command. Its module is imported when it is called."""

    words: str
    """What is typed, one word or two."""
    place: str
    """Module and function in this room."""
    group: str
    does: str
    example: str
    """The arguments of one."""
    is_foreign: bool = False
    """Whether it has options, and a --help, of its own."""
