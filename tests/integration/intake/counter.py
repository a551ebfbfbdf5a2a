"""Where tests put requests without a broker in between, and the requests that they put."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from daemon.intake import carry
from daemon.intake.ask import Ask, Back, Verdict
from daemon.intake.carry import Means
from daemon.mail.event import Told
from daemon.mail.request import answers, decode
from daemon.mail.request.decode import Decoded
from daemon.mail.request.parcel import Label
from daemon.mail.request.rules import Setting
from daemon.store import directory, streams

KEY = b"k" * 32
ANN, BOB, LOCKED = 1, 2, 3
TOKEN = "let-me-in"
Document = dict[str, Any]


@dataclass
class Heard:
    """Hears what writers commit, as a teller would."""

    told: list[Told] = field(default_factory=list)

    def offer(self, told: Sequence[Told]) -> None:
        """Takes events."""
        self.told += told

    def ended(self, stream: streams.Stream) -> None:
        """A stream's end is nothing to us."""

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of all events of a type."""
        return [told.event.data for told in self.told if told.event.type == kind]


def send(*addresses: str | None, **changes: Any) -> Document:
    """A send request to these addresses."""
    items = [{"address": address} for address in addresses or ("to@x.test",)]
    document = {
        "v": 1,
        "command": "send",
        "audience": [{"type": "recipients", "items": items}],
        "messages": [
            {"subject": "Hello", "text": "Hi {{ name }}", "from": {"address": "me@x.test"}}
        ],
    }
    return document | changes


def extend(name: str, frame: int, *addresses: str) -> Document:
    """A frame of an open job."""
    items = [{"address": address} for address in addresses]
    return {"v": 1, "command": "extend", "request_id": name, "frame": frame, "items": items}


def close(name: str, frames: int) -> Document:
    """The end of an open job."""
    return {"v": 1, "command": "close", "request_id": name, "frames": frames}


def command(name: str, /, **fields: Any) -> Document:
    """Any other request."""
    return {"v": 1, "command": name} | fields


@dataclass
class Counter:
    """Where requests are put without a broker in between."""

    means: Means
    heard: Heard

    def read(self, document: Document, *, customer: int = ANN, **changes: Any) -> Ask:
        """The request that a document holds."""
        body = json.dumps(document).encode()
        found = decode.native(body, Label(), Setting(now=datetime.now(UTC)))
        assert isinstance(found, Decoded), found
        ask = Ask(
            customer=directory.Customer(id=customer, name="", timezone="UTC", status="active"),
            decoded=found,
            back=Back(reply_to="somewhere"),
            request_id=found.request.request_id,
            body_hash=decode.canonical_bytes(found.source),
            plain=body,
        )
        return replace(ask, **changes)

    async def put(self, document: Document, **changes: Any) -> Verdict:
        """Has one request carried out."""
        ask = self.read(document, **changes)
        return await carry.alone(self.means, ask, datetime.now(UTC))

    async def answer(self, document: Document, **changes: Any) -> Document:
        """The same; what is answered."""
        verdict = await self.put(document, **changes)
        if verdict.repeated is not None:
            return json.loads(verdict.repeated)
        assert verdict.answer is not None
        return json.loads(answers.render(verdict.answer))

    async def sql(self, statement: str, *args: Any) -> list[tuple[Any, ...]]:
        """Rows of any statement."""
        async with self.means.store.session() as session:
            return [tuple(row) for row in await session._connection.fetch(statement, *args)]

    async def value(self, statement: str, *args: Any) -> Any:
        """The first value of any statement."""
        rows = await self.sql(statement, *args)
        return rows[0][0] if rows else None
