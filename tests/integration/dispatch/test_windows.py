"""Send windows against a real database: what is closed doesn't start, and waits until it opens."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from daemon.broker.connection import Link
from daemon.mail import window
from daemon.mail.outcome import Verdict
from daemon.store import claims, spans
from tests.integration.dispatch.conftest import Ground
from tests.integration.dispatch.facts import ask, claimed, facts, retried, settling
from tests.integration.dispatch.test_claims import _asks, _claimed
from tests.integration.dispatch.test_settling import NOT_NOW
from tests.integration.dispatch.works import Relay, working
from tests.waiting import until

if TYPE_CHECKING:
    from daemon.mail.window import Spans

HOUR = timedelta(hours=1)


def around(*hours: tuple[float, float]) -> str:
    """Spans, told by how many hours from now they begin and end."""
    now = datetime.now(UTC)
    found = tuple((now + since * HOUR, now + until * HOUR) for since, until in hours)
    return spans.written(found) or ""


async def shut(ground: Ground, windows: str) -> None:
    """All jobs may start something between these instants only."""
    await ground.bare.execute("UPDATE job SET windows = $1::text::tstzmultirange", windows)


async def due(ground: Ground, table: str) -> float:
    """In how many hours it is due, as near as a test can say."""
    seconds = await ground.bare.fetchval(f"SELECT extract(epoch FROM due_at - now()) FROM {table}")
    return round(float(seconds) / 3600, 2)


async def test_a_permit_knows_the_window(ground: Ground) -> None:
    """What is open goes; what has closed since doesn't, and nothing of it is marked."""
    owner = await ground.instance()
    await ground.job(2, windows=around((-1, 1)))
    await claims.promote(ground.store)
    asks = _asks(*await _claimed(ground, owner))
    first, second = asks
    judged = await claims.permit(ground.store, owner, [first])
    assert judged[first.delivery_id].verdict is Verdict.GO
    await shut(ground, around((-2, -1), (1, 2)))
    judged = await claims.permit(ground.store, owner, [second])
    assert judged[second.delivery_id].verdict is Verdict.CLOSED
    assert await ground.bare.fetchval("SELECT state FROM batch") == "uw"


async def test_a_retry_knows_the_window(ground: Ground) -> None:
    """The same of what was deferred; given back, it waits for the opening too."""
    owner = await ground.instance()
    await ground.job(1, lasts=9_000.0)
    (batch,) = await claimed(ground, owner)
    async with settling(ground.store, owner) as settler:
        await settler.settled(facts(batch, [NOT_NOW]))
    (row,) = await retried(ground, owner, is_permitted=False)
    await shut(ground, around((-2, -1), (1, 2)))
    judged = await claims.permit(ground.store, owner, [ask(row)])
    assert judged[row.delivery.id].verdict is Verdict.CLOSED
    await claims.give_back(ground.store, owner, batches=[], retries=[(row.id, row.epoch)])
    assert await due(ground, "retry") == 1


async def test_given_back_until_it_opens(ground: Ground) -> None:
    """A closed batch is due when the window opens next; a paused one stays put off for ever."""
    owner = await ground.instance()
    await ground.job(1, lasts=9_000.0)
    for due_at, hours in (("now()", 1.0), ("now() + interval '90 minutes'", 1.5)):
        await ground.bare.execute("UPDATE batch SET due_at = now() WHERE owner IS NULL")
        await shut(ground, around((-1, 0.5)))
        await claims.promote(ground.store)
        ((batch,), _) = await _claimed(ground, owner)
        await shut(ground, around((-1, -0.5), (1, 2)))
        await ground.bare.execute(f"UPDATE batch SET due_at = {due_at}")
        await claims.give_back(ground.store, owner, batches=[(batch.id, batch.epoch)], retries=[])
        assert await due(ground, "batch") == hours
        assert await claims.promote(ground.store) == []
    found = await ground.bare.fetchval(
        "SELECT due_within('infinity', windows, expires_at) FROM job"
    )
    assert found == await ground.bare.fetchval("SELECT 'infinity'::timestamptz")


async def test_what_has_closed_is_passed_over(ground: Ground) -> None:
    """A claim takes what is behind it, and it waits for the opening; an expired one is taken."""
    owner = await ground.instance()
    await ground.job(2, lasts=9_000.0)
    await ground.job(3)
    await claims.promote(ground.store)
    await ground.bare.execute(
        "UPDATE job SET windows = $1::text::tstzmultirange WHERE queued = 2", around((1, 2))
    )
    batches, deliveries = await _claimed(ground, owner)
    assert (len(batches), len(deliveries)) == (1, 3)
    assert await due(ground, "batch WHERE owner IS NULL") == 1
    await ground.bare.execute(
        "UPDATE job SET expires_at = now(), windows = $1::text::tstzmultirange", around((-2, -1))
    )
    await ground.bare.execute("UPDATE batch SET due_at = now() WHERE owner IS NULL")
    await claims.promote(ground.store)
    assert len((await _claimed(ground, owner))[0]) == 1


async def test_where_none_opens_any_more(ground: Ground) -> None:
    """It is looked at again when it expires, and then it ends."""
    owner = await ground.instance()
    await ground.job(1, windows=around((-1, 1)))
    await claims.promote(ground.store)
    ((batch,), _) = await _claimed(ground, owner)
    await shut(ground, around((-2, -1)))
    await claims.give_back(ground.store, owner, batches=[(batch.id, batch.epoch)], retries=[])
    assert await due(ground, "batch") == 1


async def test_a_deferral_waits_for_the_opening(ground: Ground) -> None:
    """The next try is told for a time at which the window is open; or it has expired by then."""
    owner = await ground.instance()
    await ground.job(1, lasts=9_000.0)
    await ground.job(1)
    patient, hasty = await claimed(ground, owner)
    await shut(ground, around((-1, 0.01), (2, 3)))
    async with settling(ground.store, owner) as settler:
        await settler.settled(facts(patient, [NOT_NOW]) + facts(hasty, [NOT_NOW]))
    assert await due(ground, "retry") == 2
    assert await ground.letters() == "de"
    told = await ground.bare.fetchval("SELECT next_at FROM ledger WHERE type = 'delivery.deferred'")
    assert told == await ground.bare.fetchval("SELECT due_at FROM retry")


async def test_a_closed_window_is_no_busy_loop(ground: Ground, link: Link, relay: Relay) -> None:
    """What comes due when its window has closed is left alone until that opens."""
    await ground.job(3, lasts=9_000.0, windows=around((-2, -1), (1, 2)))
    await ground.bare.execute("UPDATE batch SET due_at = now()")
    async with working(ground.store, relay, link):

        async def is_put_off() -> bool:
            return await due(ground, "batch") == 1 and await ground.owned() == 0

        await until(is_put_off)
        other = await ground.job(1)  # comes and goes: the rounds go on

        async def is_over() -> bool:
            query = "SELECT finished_at IS NOT NULL FROM job WHERE id = $1"
            return bool(await ground.bare.fetchval(query, other))

        await until(is_over)
    epochs = "SELECT max(epoch) FROM batch WHERE job_id <> $1"
    assert await ground.bare.fetchval(epochs, other) == 0
    assert (len(relay.attempts), await ground.letters()) == (1, "wwws")


async def test_the_database_and_we_agree_when_it_opens(ground: Ground) -> None:
    """The one function in SQL is the other in Python, for spans and moments at random."""
    chance, now = Random(7), datetime.now(UTC)
    cases: list[tuple[Spans, datetime]] = []
    for _ in range(300):
        marks = sorted(chance.sample(range(1, 60), 2 * chance.randint(1, 5)))
        found = [now + mark * HOUR for mark in marks]
        spanned = tuple(zip(found[::2], found[1::2], strict=True))
        cases.append((spanned, chance.choice([*found, now + chance.uniform(0.01, 70) * HOUR])))
    expiry = now + 100 * HOUR
    rows: list[Any] = await ground.bare.fetch(
        "SELECT due_within(c.at, c.windows::tstzmultirange, $3) AS opens"
        " FROM unnest($1::text[], $2::timestamptz[]) WITH ORDINALITY AS c (windows, at, place)"
        " ORDER BY c.place",
        [spans.written(windows) for windows, _ in cases],
        [at for _, at in cases],
        expiry,
    )
    assert [row["opens"] for row in rows] == [
        window.opening(windows, at) or expiry for windows, at in cases
    ]
