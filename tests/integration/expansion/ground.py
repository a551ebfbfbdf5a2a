"""Where tests expand: a directory on a session, and a job for each expansion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from daemon.expansion import meant
from daemon.expansion.meant import Meant
from daemon.mail import ids
from daemon.mail.request.audience import Members, Term
from daemon.store import accepting, door
from daemon.store.expansion import Expanded, Place
from tests.integration.expansion.people import Directory

_CHANCE = Random()


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A directory, on a session whose transaction is undone at the end."""

    session: door.Session
    directory: Directory
    is_many: bool = False
    """Whether it is done as for a million: all suppressions are gone through at once."""

    async def expand(
        self,
        *audience: Term,
        acting: int = 7,
        person: int | None = None,
        exclude: Sequence[Term] = (),
        marketing: bool = True,
        is_many: bool | None = None,
    ) -> tuple[Expanded, UUID]:
        """What terms come to in somebody's name, and the job that was made for it."""
        job = await _job(self.session, "marketing" if marketing else "transactional")
        numbered = enumerate((*audience, *exclude))
        lists = {n: term.id for n, term in numbered if isinstance(term, Members) and term.id}
        wanted = Meant(
            acting=acting, person=person, audience=audience, exclude=exclude, lists=lists
        )
        place = Place(job_id=job.id, message_id=job.message_id or 0)
        many = self.is_many if is_many is None else is_many
        within = 60.0 if many else None
        return await meant.expanded(self.session, place, wanted, within=within), job.id

    async def reached(self, *audience: Term, **how: Any) -> list[str]:
        """The addresses that terms reach."""
        _, job = await self.expand(*audience, **how)
        return await self.addresses(job)

    async def addresses(self, job: UUID) -> list[str]:
        """Whom a job reaches, in the order of their deliveries."""
        rows = await self.session._connection.fetch(
            "SELECT address FROM delivery WHERE job_id = $1 ORDER BY id", job
        )
        return [row["address"] for row in rows]

    async def counts(self, *audience: Term, **how: Any) -> dict[str, int]:
        """What terms come to, without what is nought."""
        found, _ = await self.expand(*audience, **how)
        return {name: number for name, number in found.counts.items() if number}


async def _job(session: door.Session, purpose: str) -> accepting.Stored:
    job = accepting.Job(
        id=ids.job_id(datetime.now(UTC), _CHANCE.getrandbits(74)),
        ticket=ids.ticket(_CHANCE.getrandbits(52)),
        customer_id=7, dialect="native", request_id=None, body_hash=b"", name="test",
        purpose=purpose, klass=1, doubt="resend", transport_id=None, open=False, not_before=None,
        not_before_raw=None, expires_after=3600, settings={}, coercions=[],
        spec={"subject": "s", "text": "t", "from": {"address": "me@x.test"}},
    )  # fmt: skip
    return (await accepting.stored(session, [job], open_timeout=60))[job.id]
