"""Who hears from writers, and what they write in these tests."""

from collections.abc import Awaitable, Callable, Sequence

from daemon.ledger.writer import Append, Writer
from daemon.mail.event import Event, Told, Type
from daemon.store import streams


class Listener:
    """An audience that remembers."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.streams_ended: list[streams.Stream] = []

    def offer(self, told: Sequence[Told]) -> None:
        """Keeps what was committed."""
        self.told += told

    def ended(self, stream: streams.Stream) -> None:
        """Keeps which streams have ended."""
        self.streams_ended.append(stream)


def events(*texts: str, kind: Type = Type.DELIVERY_SENT) -> list[Event]:
    """Events that are told apart by their text."""
    return [Event(type=kind, customer_id=1, text=text) for text in texts]


async def written(
    writer: Writer, *texts: str, then: Callable[[Append], Awaitable[object]] | None = None
) -> None:
    """One transaction of these events, in which something else may happen before the commit."""
    async with writer.transaction() as append:
        await append.events(events(*texts))
        if then is not None:
            await then(append)
