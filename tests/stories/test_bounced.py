"""5xx at RCPT."""

from tests.stories import asks
from tests.stories.house import House


async def test_refused_for_good(house: House) -> None:
    """T092: a 5xx at RCPT, at DATA or at the dot ends that one delivery, with what was said."""
    await house.start()
    refused = ["rcpt-550-5.1.1+a@there.test", "data-554+b@there.test", "dot-554-5.7.1+c@there.test"]
    asked = await house.producer.ask(asks.send([*refused, *asks.people(30)]))
    completed = await house.events.completed(asked.job)
    assert (completed.data["counts"]["bounced"], completed.data["counts"]["sent"]) == (3, 30)
    bounced = await house.events.count("delivery.bounced", 3, asked.job)
    said = {
        event.data["address"]: (event.data["code"], event.data.get("enhanced")) for event in bounced
    }
    assert said[refused[0]] == (550, "5.1.1")
    assert said[refused[1]][0] == 554
    assert said[refused[2]] == (554, "5.7.1")
    await house.judge()
