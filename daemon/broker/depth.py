"""How full a queue is, for metrics and for the one warning about events that nobody takes."""

from dataclasses import dataclass

from daemon.broker import errors
from daemon.broker.connection import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """A queue at one moment."""

    queue: str
    waiting: int
    """Messages ready to be taken; those taken and not yet acknowledged aren't counted."""
    consumers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Why it could not be read: the queue is missing, the broker away, the permission refused."""

    queue: str
    why: str


async def read(link: Link, queue: str) -> Depth | Unread:
    """Asks by a passive declare, which changes nothing; an answer within the link's `seconds`."""
    try:
        async with link.question() as channel:
            found = (await channel.declare_queue(queue, passive=True)).declaration_result
    except errors.Unavailable as error:
        return Unread(queue=queue, why=str(error))
    return Depth(queue=queue, waiting=found.message_count or 0, consumers=found.consumer_count or 0)
