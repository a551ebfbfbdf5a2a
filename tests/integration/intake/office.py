"""Where tests have audiences found that were put off: an accept that finds few, and an expander."""

import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from daemon.broker.parcel import Outgoing
from daemon.config.sections import Intake
from daemon.directory.principals import Principals
from daemon.intake.asker import Asker
from daemon.intake.expander import Expander
from daemon.intake.owing import Owing
from daemon.intake.post import Post
from daemon.intake.reading import Reader
from daemon.ledger.writer import Writer
from daemon.mail.request.rules import Rules
from daemon.store import door
from tests.integration.expansion.people import Directory
from tests.integration.intake.counter import ANN, KEY, Counter, Document, send

BRANCH = {"type": "people", "scope": "descendants"}
WAITS_FOR_A_LOCK = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


@dataclass
class Away:
    """Stands for a publisher whose broker is away: what is owed stays where we can see it."""

    is_blocked: bool = True
    is_there: bool = False


@dataclass
class Office:
    """A counter whose accepts find three people at most, and an expander beside it."""

    counter: Counter
    expander: Expander
    kept: deque[Outgoing]

    async def put(self, *, reply_to: str = "desk", **changes: Any) -> Document | None:
        """Puts a send to the whole branch; what is answered at once, if anything is."""
        document = send(request_id="r1") | {"audience": [BRANCH]} | changes
        ask = self.counter.read(document)
        back = replace(ask.back, reply_to=reply_to)
        verdict = await self.counter.put(document, back=back, plain=json.dumps(document).encode())
        if verdict.repeated is not None:
            return json.loads(verdict.repeated)
        return verdict.answer and json.loads(ask.back.text(verdict.answer))

    def said(self) -> list[tuple[str, Document]]:
        """Whom something is owed, and what."""
        return [(one.routing_key, json.loads(one.body)) for one in self.kept]

    async def job(self) -> tuple[Any, ...]:
        """How the job stands."""
        [row] = await self.counter.sql("SELECT state, requested, queued FROM job")
        return row


@asynccontextmanager
async def opened(counter: Counter, store: door.Store) -> AsyncIterator[Office]:
    """Ann with five people below her, one of them twice; an expander works on that store."""
    async with counter.means.store.session() as session:
        directory = Directory(session._connection)
        await directory.customer(10, ANN)
        for address in ("a@x.test", "b@x.test", "c@x.test", "d@x.test", "d@x.test"):
            await directory.person(10, address)
    terms = replace(counter.means.terms, inline_limit=3)
    counter.means = replace(counter.means, terms=terms)
    instance, kept = uuid4(), deque[Outgoing]()
    away: Any = Away()
    post = Post(away, away, kept, Owing(store, instance), dead="dead", seconds=1)
    asker = Asker(principals=Principals(store, key=KEY), settings=Intake())
    reader = Reader(asker=asker, rules=Rules(), key=KEY, urgent="u", instance=instance)
    writer = Writer(store, counter.heard, instance=instance, kind="expand")
    means = replace(counter.means, store=store)
    expander = Expander(means, writer, reader, post, memory=2**22)
    yield Office(counter=counter, expander=expander, kept=kept)
    await expander.close()
