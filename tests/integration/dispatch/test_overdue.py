"""Doubts that nobody decides in time."""

from daemon.dispatch.overdue import Overdue
from daemon.ledger.writer import Writer
from daemon.mail.outcome import InDoubt
from tests.integration.dispatch.facts import claimed, facts, settling
from tests.integration.ledger.audience import Listener


async def test_they_are_given_up_when_their_time_is_over(ground) -> None:
    """After `doubt.after` a held doubt is failed, told with its reason, and its job ends."""
    me = await ground.instance()
    await ground.job(3, doubt="hold")
    (batch,) = await claimed(ground, me)
    async with settling(ground.store, me) as settler:
        await settler.settled(facts(batch, [InDoubt(reason="died")] * 3))
    await ground.bare.execute(
        "UPDATE doubt SET since = now() - interval '7 days' WHERE delivery_id % 512 < 2"
    )
    writer = Writer(ground.store, Listener(), instance=me, kind="t")
    overdue = Overdue(writer, after=lambda: 7 * 86400.0)
    assert await overdue.give_up() == 2
    assert await overdue.give_up() == 0
    assert await ground.letters() == "ffq"
    assert await ground.told("delivery.failed") == 2
    assert not await ground.finished(1)
    await ground.bare.execute("UPDATE doubt SET since = '2020-01-01'")
    assert await overdue.give_up() == 1
    assert await ground.finished(1)
    reasons = await ground.bare.fetch("SELECT resolution FROM doubt")
    assert {row["resolution"] for row in reasons} == {"give_up"}
    data = "SELECT data->>'reason' FROM ledger WHERE type = 'delivery.failed' LIMIT 1"
    assert await ground.bare.fetchval(data) == "doubt"
    assert await ground.keeps_the_law()
