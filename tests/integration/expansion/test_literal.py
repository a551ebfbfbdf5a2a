"""Expansion in the database against the same law in plain Python."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.config.tables import Customer, Transport
from daemon.directory import loading
from daemon.expansion import literal
from daemon.mail import address, counts, ids
from daemon.mail.request.recipients import Override, Recipient
from daemon.store import accepting, door
from daemon.store.expansion import Expanded

_NOBODY = (None, "", "  ", "no address", "a@b@c", "x@single")
_SOMEBODY = ("a@x.test", "A@x.test", "a@X.TEST", " b@x.test ", "b@y.test", "c@y.test", "ü@x.test")
_THE_SAME = ("d@münchen.test", "d@xn--mnchen-3ya.test")
_SPELLINGS = st.sampled_from((*_NOBODY, *_SOMEBODY, *_THE_SAME))
_OVERRIDES = st.sampled_from([None, None, Override(subject="one"), Override(subject="two")])
_RECIPIENTS = st.lists(
    st.builds(lambda spelling, own: Recipient(spelling, None, {}, own), _SPELLINGS, _OVERRIDES),
    max_size=25,
)
_KINDS = ("unsubscribe", "hard_bounce", "complaint", "manual")
_SUPPRESSED = st.dictionaries(
    st.sampled_from(["a@x.test", "b@x.test", "c@y.test", "ü@x.test"]), st.sampled_from(_KINDS)
)


@dataclass
class Model:
    """What must come of recipients, one by one."""

    suppressed: dict[str, str]
    is_marketing: bool
    stored: list[tuple[str, Override | None]] = field(default_factory=list)

    def expand(self, recipients: Sequence[Recipient]) -> Counter[str]:
        """Judges one parcel's recipients; what is queued is remembered for the next."""
        seen = set(self.stored)
        numbers: Counter[str] = Counter(requested=len(recipients))
        for recipient in recipients:
            numbers[self._judge(recipient, seen)] += 1
        return numbers

    def _judge(self, recipient: Recipient, seen: set[tuple[str, Override | None]]) -> str:
        if recipient.address is None or not recipient.address.strip():
            return "no_address"
        found = address.check(recipient.address, allow_utf8=True)
        if isinstance(found, address.Invalid):
            return "invalid"
        if (found.norm, recipient.override) in seen:
            return "duplicate"
        seen.add((found.norm, recipient.override))
        if self._is_suppressed(found.supp):
            return "suppressed"
        self.stored.append((found.address, recipient.override))
        return "queued"

    def _is_suppressed(self, supp: str) -> bool:
        kind = self.suppressed.get(supp)
        return kind is not None and (kind != "unsubscribe" or self.is_marketing)


async def _ground(store: door.Store) -> None:
    relay = Transport(id=1, customer=1, name="Relay", host="127.0.0.1", is_default=True)
    customers = (Customer(id=1, name="Ann"), Customer(id=2, name="Bob"))
    await loading.load(store, customers=customers, transports=(relay,), tokens=(), key=b"k")


async def _job(session: door.Session, *, purpose: str = "transactional") -> accepting.Stored:
    chance = random.Random()
    job = accepting.Job(
        id=ids.job_id(datetime.now(UTC), chance.getrandbits(74)),
        ticket=ids.ticket(chance.getrandbits(52)),
        customer_id=1,
        dialect="native",
        request_id=None,
        body_hash=b"",
        name="test",
        purpose=purpose,
        klass=1,
        doubt="resend",
        transport_id=None,
        open=True,
        not_before=None,
        not_before_raw=None,
        expires_after=3600,
        settings={},
        coercions=[],
        spec={"subject": "s", "text": "t", "from": {"address": "me@x.test"}},
    )
    return (await accepting.stored(session, [job], open_timeout=60))[job.id]


async def _suppress(session: door.Session, suppressed: dict[str, str]) -> None:
    connection = session._connection
    await connection.execute("DELETE FROM suppression")
    await connection.executemany(
        "INSERT INTO suppression (customer_id, supp, scope, kind, source)"
        " VALUES (1, $1, 'all', $2, 'api')",
        suppressed.items(),
    )


async def _expand(
    session: door.Session, job: accepting.Stored, recipients: Sequence[Recipient]
) -> Expanded:
    assert job.message_id is not None
    audience = literal.Audience(job_id=job.id, message_id=job.message_id, recipients=recipients)
    return (await literal.expanded(session, [audience]))[job.id]


async def _deliveries(session: door.Session, job: UUID) -> list[tuple[str, str | None]]:
    rows = await session._connection.fetch(
        "SELECT address, override ->> 'subject' AS own FROM delivery WHERE job_id = $1 ORDER BY id",
        job,
    )
    return [(row["address"], row["own"]) for row in rows]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    frames=st.lists(_RECIPIENTS, min_size=1, max_size=3),
    suppressed=_SUPPRESSED,
    is_marketing=st.booleans(),
)
async def test_the_statement_keeps_the_law(
    store: door.Store,
    frames: list[list[Recipient]],
    suppressed: dict[str, str],
    is_marketing: bool,
) -> None:
    """Whoever is asked for, frame by frame, is queued or counted as one by one in Python."""
    await _ground(store)
    model = Model(suppressed=suppressed, is_marketing=is_marketing)
    async with store.transaction() as session:
        await _suppress(session, suppressed)
        job = await _job(session, purpose="marketing" if is_marketing else "transactional")
        for frame in frames:
            found = await _expand(session, job, frame)
            expected = model.expand(frame)
            assert {name: number for name, number in found.counts.items() if number} == +expected
        wanted = [(to, own.subject if own else None) for to, own in model.stored]
        assert await _deliveries(session, job.id) == wanted


async def test_batches_are_few_and_in_order(store: door.Store) -> None:
    """1,201 recipients make three batches, one as large as the other, in the request's order."""
    await _ground(store)
    names = [Recipient(f"r{number}@x.test", None, {}) for number in range(1201)]
    async with store.transaction() as session:
        job = await _job(session)
        found = await _expand(session, job, names)
        rows = await session._connection.fetch(
            "SELECT id, length(state) AS size FROM batch WHERE job_id = $1 ORDER BY part", job.id
        )
        assert [row["size"] for row in rows] == [401, 400, 400]
        assert found.first_delivery == rows[0]["id"] * ids.BATCH_SPAN
        assert await _deliveries(session, job.id) == [(one.address, None) for one in names]


async def test_many_jobs_in_one_statement(store: door.Store) -> None:
    """Jobs that are expanded together don't see each other's recipients."""
    await _ground(store)
    async with store.transaction() as session:
        jobs = [await _job(session) for _ in range(3)]
        audiences = [
            literal.Audience(
                job_id=job.id,
                message_id=job.message_id or 0,
                recipients=[Recipient("a@x.test", None, {})] * number,
            )
            for number, job in enumerate(jobs)
        ]
        found = await literal.expanded(session, audiences)
    numbers = [
        (one.counts["queued"], one.counts["duplicate"])
        for one in map(found.get, (j.id for j in jobs))
        if one
    ]
    assert numbers == [(0, 0), (1, 0), (1, 1)]


async def test_the_dropped_are_listed(store: door.Store) -> None:
    """Everyone who isn't delivered to is listed with the reason, and where it is known the rule."""
    await _ground(store)
    wanted = [None, "nobody", "a@x.test", "a@x.test", "b@x.test"]
    async with store.transaction() as session:
        await _suppress(session, {"b@x.test": "complaint"})
        job = await _job(session)
        await _expand(session, job, [Recipient(one, None, {}) for one in wanted])
        rows = await session._connection.fetch(
            "SELECT position, address, reason, detail FROM dropped_recipient WHERE job_id = $1"
            " ORDER BY id",
            job.id,
        )
    assert [tuple(row) for row in rows] == [
        (0, None, "no_address", None),
        (1, "nobody", "invalid", "not exactly one @"),
        (3, "a@x.test", "duplicate", None),
        (4, "b@x.test", "suppressed", None),
    ]


async def test_what_is_paused_waits_for_ever(store: door.Store) -> None:
    """A frame of a paused job, or of a paused customer, is stored but isn't due."""
    await _ground(store)
    async with store.transaction() as session:
        job = await _job(session)
        await session._connection.execute("UPDATE customer SET paused = true WHERE id = 1")
        await _expand(session, job, [Recipient("a@x.test", None, {})])
        due = await session._connection.fetchval(
            "SELECT due_at = 'infinity' FROM batch WHERE job_id = $1", job.id
        )
    assert due is True


def test_the_counts_are_those_of_the_law() -> None:
    """Every reason of the accounting law is one that an expansion answers."""
    assert set(counts.DROPPED) == {
        "no_address", "invalid", "excluded", "duplicate", "suppressed", "not_found", "inactive"
    }  # fmt: skip
