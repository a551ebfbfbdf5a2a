"""Unsubscribed."""

from tests.stories import asks
from tests.stories.house import House


async def test_no_more_marketing(house: House) -> None:
    """Whoever unsubscribed gets no marketing, and whatever else he needs; until he subscribes."""
    await house.start()
    ask, both = house.producer.ask, ["ann@there.test", "bob@there.test"]
    await ask(asks.command("unsubscribe", address="Ann@There.test", reason="wrote to us"))
    news = await ask(asks.send(both, purpose="marketing"))
    assert (news.done["counts"]["suppressed"], news.done["counts"]["queued"]) == (1, 1)
    order = await ask(asks.send(["ann@there.test"]))
    for job in (news.job, order.job):
        await house.events.completed(job)
    await ask(asks.command("subscribe", address="ann@there.test"))
    again = await ask(asks.send(both, purpose="marketing"))
    completed = await house.events.completed(again.job)
    assert completed.data["counts"]["sent"] == 2
    assert house.events.number("engagement.unsubscribed") == 1
    assert house.events.number("engagement.resubscribed") == 1
    await house.judge()


async def test_at_the_last_moment(house: House) -> None:
    """Who unsubscribes after the accept and before the due time is found at the permit."""
    await house.start()
    ask = house.producer.ask
    terms = {"not_before": asks.later(2)}
    news = await ask(asks.send(asks.people(5), purpose="marketing", delivery=terms))
    await ask(asks.command("unsubscribe", address="p3@there.test"))
    completed = await house.events.completed(news.job)
    assert completed.data["counts"]["suppressed_late"] == 1
    assert completed.data["counts"]["sent"] == 4
    (suppressed,) = await house.events.count("delivery.suppressed", 1, news.job)
    assert suppressed.data["address"] == "p3@there.test"
    await house.judge()
