"""Events, counted by what they say: each once by its id, and whose mail was taken."""

import json
from collections import Counter

from aiormq.abc import DeliveredMessage


class Told:
    """What came off the exchange."""

    def __init__(self) -> None:
        self._ids: Counter[str] = Counter()
        self._sent: set[int] = set()

    def hear(self, message: DeliveredMessage) -> None:
        """Takes one."""
        event = json.loads(message.body)
        self._ids[event["id"]] += 1
        if event["type"] == "delivery.sent":
            self._sent.add(event["data"]["delivery_id"])

    @property
    def events(self) -> int:
        """Different ones."""
        return len(self._ids)

    @property
    def repeats(self) -> int:
        """Events that came again."""
        return self._ids.total() - len(self._ids)

    @property
    def sent(self) -> int:
        """Different deliveries that are told to be sent."""
        return len(self._sent)
