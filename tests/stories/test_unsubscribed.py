"""Unsubscribed."""

from tests.stories import asks
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP


async def test_no_more_marketing(home: House) -> None:
    """Whoever unsubscribed gets no marketing, and whatever else he needs; until he subscribes."""
    ask, both = home.producer.ask, ["ann@there.test", "bob@there.test"]
    await ask(asks.command("unsubscribe", address="Ann@There.test", reason="wrote to us"))
    news = await ask(asks.send(both, purpose="marketing"))
    assert (news.done["counts"]["suppressed"], news.done["counts"]["queued"]) == (1, 1)
    order = await ask(asks.send(["ann@there.test"]))
    for job in (news.job, order.job):
        await home.events.completed(job)
    await ask(asks.command("subscribe", address="ann@there.test"))
    again = await ask(asks.send(both, purpose="marketing"))
    completed = await home.events.completed(again.job)
    assert completed.data["counts"]["sent"] == 2
    assert home.events.number("engagement.unsubscribed") == 1
    assert home.events.number("engagement.resubscribed") == 1
    await home.balance()


async def test_at_the_last_moment(home: House) -> None:
    """Who unsubscribes after the accept and before the due time is found at the permit."""
    ask = home.producer.ask
    terms = {"not_before": asks.later(2)}
    news = await ask(asks.send(asks.people(5), purpose="marketing", delivery=terms))
    await ask(asks.command("unsubscribe", address="p3@there.test"))
    completed = await home.events.completed(news.job)
    assert completed.data["counts"]["suppressed_late"] == 1
    assert completed.data["counts"]["sent"] == 4
    (suppressed,) = await home.events.count("delivery.suppressed", 1, news.job)
    assert suppressed.data["address"] == "p3@there.test"
    await home.balance()
