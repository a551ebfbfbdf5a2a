"""Everyone is counted."""

from tests.stories import asks
from tests.stories.house import House


async def test_everyone_is_counted(house: House) -> None:
    """Whoever is asked for gets a mail or is counted and listed under the one reason why not."""
    await house.start()
    people = [
        {"address": "Ann@There.Test", "name": "Ann"},
        {"address": "Ann@there.test", "name": "The same"},
        {"address": "ann@there.test", "name": "Another: a local part belongs to its host"},
        {"address": "Ann@there.test", "override": {"subject": "Only for you"}},
        {"address": None, "name": "Phone only"},
        {"address": "no address at all"},
        {"address": "two@there.test,three@there.test"},
        {"address": "üser@there.test", "name": "Ünï"},
    ]
    asked = await house.producer.ask(asks.send(people))
    counts = asked.done["counts"]
    assert (counts["requested"], counts["queued"]) == (8, 4)
    assert (counts["no_address"], counts["invalid"], counts["duplicate"]) == (1, 2, 1)
    await house.events.completed(asked.job)
    status, listed = await house.typed("deliveries", asked.job, "--dropped")
    assert status == 0
    assert sorted(one["reason"] for one in listed["dropped"]) == [
        "duplicate",
        "invalid",
        "invalid",
        "no_address",
    ]
    await house.judge()
