"""What can go wrong at the broker, in our words; the only place that sorts the client's errors.

aio-pika and aiormq tell a lost connection in many ways, one of them a `CancelledError` that nobody
meant for us: taken at its word it would end a part for good. Here, and only here, the two kinds are
told apart. Every wait for an answer of the broker stands in a block of `asking`.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiormq import exceptions as aiormq

from daemon import tasks
from daemon.outage import Outage

_SAID = re.compile(r"\b(?!CONNECTION_FORCED)[A-Z]+_[A-Z]+\b|\bqueue is gone\b")
"""What only a broker that is there can say; with CONNECTION_FORCED it leaves."""
_OF = re.compile(r"'(.+?)'")


class Unavailable(Outage):
    """The broker is away, or didn't answer in time. What was under way may have arrived or not."""

    @property
    def cause(self) -> str:
        """One for a broker that is away, however that shows; else what it says, and of what."""
        said, of = _SAID.search(str(self)), _OF.search(str(self))
        return " ".join(
            ["rabbitmq", *([said[0]] if said else []), *([of[1]] if said and of else [])]
        )


class Refused(Unavailable):
    """The broker answered: not with these credentials, this virtual host or these permissions."""


_REFUSALS = (
    aiormq.AuthenticationError,
    aiormq.ProbableAuthenticationError,
    aiormq.ConnectionNotAllowed,
    aiormq.ChannelAccessRefused,
)
_REFUSAL_CODES = frozenset({403, 530})
"""access-refused and not-allowed (AMQP 0-9-1, reply codes)."""
_LOSSES = (
    aiormq.AMQPError,
    aiormq.ChannelInvalidStateError,
    OSError,
    # what aiormq raises when the stream ends between two frames
    EOFError,
    StopAsyncIteration,
)


@asynccontextmanager
async def asking(what: str, *, seconds: float) -> AsyncIterator[None]:
    """Waits for the broker at most so long; whatever the client raises becomes `Unavailable`.

    A cancellation of the current task itself passes through; one that comes from within the client,
    because a connection closed under it, doesn't count as one. Nor is one lost within the client.
    """
    before = tasks.cancellations()
    try:
        async with asyncio.timeout(seconds):
            yield
    except asyncio.CancelledError as error:
        if tasks.is_ours():
            raise
        raise Unavailable(f"{what}: connection lost") from error
    except TimeoutError as error:
        tasks.heed(before)
        raise Unavailable(f"{what}: no answer within {seconds:g} s") from error
    except _REFUSALS as error:
        tasks.heed(before)
        raise Refused(f"{what}: {words(error)}") from error
    except _LOSSES as error:
        tasks.heed(before)
        raise Unavailable(f"{what}: {words(error)}") from error
    tasks.heed(before)


def refusal(code: int) -> bool:
    """Whether this reply code of a closed connection or channel is an answer to who we are."""
    return code in _REFUSAL_CODES


def words(error: BaseException | None) -> str:
    """An error of the client as one short line; it names no password, as it shows no URL."""
    if error is None or isinstance(error, asyncio.CancelledError):
        return "connection lost"
    said = " ".join(str(part) for part in error.args if part not in (None, ""))
    return said or type(error).__name__
