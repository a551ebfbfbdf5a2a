"""Booking: what was handed over is charged, what ended otherwise released; each once (design 4)."""

import asyncio
from contextlib import suppress
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from daemon.dispatch.booking import Booking
from daemon.intake import granting
from daemon.intake.granting import Claim
from daemon.mail.outcome import Bounced, Deferred, Failed, InDoubt, Sent, Verdict, Withheld
from daemon.mail.reply import Reply
from daemon.store import audits, credit, errors
from tests.integration import till
from tests.integration.dispatch.conftest import Ground
from tests.integration.dispatch.facts import Result, claimed, facts, retried, settling
from tests.waiting import until

OK = Sent(reply=Reply(code=250), relay="r:25")
NOT_NOW = Deferred(reason="refused", reply=Reply(code=451), relay="r:25")
NO = Bounced(reply=Reply(code=550), relay="r:25")
DOUBT = InDoubt(reason="dropped", relay="r:25")
EXPIRED, SUPPRESSED, CANCELED = (
    Withheld(verdict=verdict) for verdict in (Verdict.EXPIRED, Verdict.SUPPRESSED, Verdict.CANCELED)
)


async def paid(ground: Ground, size: int, **more: str) -> UUID:
    """A job that was paid for; the first of a customer brings his credit along."""
    if not await ground.bare.fetchval("SELECT count(*) FROM credit_account"):
        await till.fund(ground.bare, "100", price="1")
    job = await ground.job(size, **more)
    async with ground.store.transaction() as session:
        bill = await credit.bill(session, job, grown_by=size)
        assert bill
        await granting.granted(session, [Claim(job, None, bill)])
    return job


async def settled(ground: Ground, results: list[Result]) -> None:
    """Settles all that is due of one batch."""
    me = await ground.instance()
    (batch,) = await claimed(ground, me)
    async with settling(ground.store, me) as settler:
        await settler.settled(facts(batch, results))


async def balanced(ground: Ground) -> bool:
    """Whether the audit finds nothing wrong about credit."""
    _, found = await audits.taken(ground.store, None, limit=20)
    return not [one for one in found if one.law in ("credit", "money")]


@pytest.fixture
def booking(ground: Ground) -> Booking:
    """Who books."""
    return Booking(ground.store)


async def test_every_end_is_booked(ground: Ground, booking: Booking) -> None:
    """Sent is charged; bounced, failed, expired, suppressed and canceled is released."""
    results = [OK, NO, Failed(reason="8bit"), EXPIRED, SUPPRESSED, CANCELED, OK]
    await paid(ground, len(results))
    await settled(ground, results)
    assert await booking.book() == 1
    assert await till.lines(ground.bare) == [
        ("reserve", 7, Decimal(7)), ("release", 5, Decimal(5)), ("charge", 2, Decimal(2)),
    ]  # fmt: skip
    assert await till.account(ground.bare) == (98, 0)
    assert await ground.bare.fetchval("SELECT booked FROM job")
    assert await balanced(ground)


async def test_what_is_open_stays_set_aside(ground: Ground, booking: Booking) -> None:
    """What is deferred or in doubt is neither charged nor released until it has ended."""
    await paid(ground, 4, doubt="hold")
    await settled(ground, [OK, NOT_NOW, DOUBT, NO])
    await booking.book()
    assert await till.account(ground.bare) == (99, 2)
    assert not await ground.bare.fetchval("SELECT booked FROM job")
    assert await balanced(ground)


async def test_settling_needs_no_account(ground: Ground, booking: Booking) -> None:
    """Settling touches no account, and no line of one: whoever holds them is in nobody's way."""
    await paid(ground, 2)
    async with ground.locked("LOCK TABLE credit_account, credit_ledger"):
        await settled(ground, [OK, NO])
        assert await ground.finished(1)
    assert await till.account(ground.bare) == (100, 2)
    await booking.book()
    assert await till.account(ground.bare) == (99, 0)


async def test_a_doubt_given_up_is_not_charged(ground: Ground, booking: Booking) -> None:
    """Nobody knows whether it went out: it counts as failed (promise 2)."""
    await paid(ground, 2, doubt="give_up")
    await settled(ground, [OK, DOUBT])
    await booking.book()
    assert await till.account(ground.bare) == (99, 0)


async def test_a_late_positive_reply_is_charged(ground: Ground, booking: Booking) -> None:
    """A doubt that was to be sent again, and of which a 250 is found, is charged once."""
    await paid(ground, 1, doubt="resend")
    me = await ground.instance()
    (batch,) = await claimed(ground, me)
    async with settling(ground.store, me) as settler:
        await settler.settled(facts(batch, [DOUBT]))
        await booking.book()
        assert await till.account(ground.bare) == (100, 1)
        await settler.settled(facts(batch, [OK]))
        await settler.settled(facts(batch, [OK]))
    await booking.book()
    assert await till.account(ground.bare) == (99, 0)


async def test_a_later_bounce_gives_nothing_back(ground: Ground, booking: Booking) -> None:
    """What the next hop has accepted is charged, whatever is reported later."""
    await paid(ground, 1)
    await settled(ground, [OK])
    await booking.book()
    await ground.bare.execute("UPDATE batch SET state = 'b'")
    await ground.bare.execute("UPDATE job SET sent = 0, bounced = 1")
    assert await booking.book() == 0
    assert await till.account(ground.bare) == (99, 0)
    assert await balanced(ground)


async def test_booked_again_nothing_happens(ground: Ground, booking: Booking) -> None:
    """A job is booked by what it has grown; two who look at once don't both."""
    for _ in range(3):
        await paid(ground, 2)
    me = await ground.instance()
    held = await claimed(ground, me)
    async with settling(ground.store, me) as settler:
        for half in ([OK], [NO]):
            for batch in held:
                place = 0 if half == [OK] else 1
                await settler.settled([facts(batch, [*[OK] * place, *half])[place]])
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(booking.book())
    assert await booking.book() == 0
    assert await till.account(ground.bare) == (97, 0)
    assert len(await till.lines(ground.bare)) == 3 + 3 + 3


async def test_killed_in_between(ground: Ground, booking: Booking) -> None:
    """A booking that dies while it waits for the account has booked nothing; the next one does."""
    await paid(ground, 3)
    await settled(ground, [OK, OK, NO])
    async with (
        ground.locked("SELECT FROM credit_account FOR UPDATE"),
        asyncio.TaskGroup() as group,
    ):
        doomed = group.create_task(_dies(booking))
        await until(ground.is_held_up)
        await ground.bare.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        await doomed
    assert await till.account(ground.bare) == (100, 3)
    assert await booking.book() == 1
    assert await till.account(ground.bare) == (98, 0)
    assert await balanced(ground)


async def _dies(booking: Booking) -> None:
    with suppress(errors.Unavailable):
        await booking.book()


async def test_the_same_growth_is_refused_by_the_database(ground: Ground, booking: Booking) -> None:
    """Even if the job were to forget how far it is booked, its key is used up; others go on."""
    await paid(ground, 2)
    await settled(ground, [OK, OK])
    await booking.book()
    await ground.bare.execute("UPDATE job SET booked = false, booked_handed = 0")
    await paid(ground, 3)
    with pytest.raises(asyncpg.UniqueViolationError, match="credit_booked_once"):
        await booking.book()
    await settled(ground, [OK, NO, OK])
    await booking.look()
    assert await till.account(ground.bare) == (96, 0)
    assert not await balanced(ground)


async def test_a_campaign_is_booked_on_its_way(ground: Ground, booking: Booking) -> None:
    """A job that isn't finished is booked as far as it has come."""
    await paid(ground, 4)
    await settled(ground, [OK, NOT_NOW, NOT_NOW, NOT_NOW])
    await booking.book()
    assert await till.account(ground.bare) == (99, 3)
    me = await ground.instance()
    rows = await retried(ground, me)
    assert len(rows) == 3


async def test_it_goes_on_by_itself(ground: Ground, booking: Booking) -> None:
    """Whoever books looks again and again."""
    await paid(ground, 1)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(booking.run())
        await settled(ground, [OK])

        async def is_booked() -> bool:
            return await till.account(ground.bare) == (99, 0)

        await until(is_booked)
        running.cancel()
