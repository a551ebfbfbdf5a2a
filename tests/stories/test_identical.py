"""A mail that goes a second time."""

from tests.stories import asks
from tests.stories.house import House


async def test_a_resend_is_the_same_mail(house: House) -> None:
    """D27, I11: whatever was configured anew in between, both copies are equal octet by octet."""
    house.transport |= {"from_name": "First", "from_address": "one@sender.test"}
    daemon = await house.start()
    asked = await house.producer.ask(
        asks.send(["drop-after-dot-once+p@there.test"], delivery={"doubt": "hold"})
    )
    (doubt,) = await house.events.count("delivery.in_doubt", 1, asked.job)
    await daemon.stop()
    house.transport |= {"from_name": "Other", "from_address": "two@sender.test"}
    house.sections["delivery"] |= {"message_domain": "other.test", "hostname": "another.test"}
    await house.start()
    resent = asks.command("doubt.resolve", deliveries=[doubt.delivery], action="resend")
    await house.producer.ask(resent)
    await house.events.completed(asked.job)
    first, second = house.sink.copies
    assert first.sha256 == second.sha256
    await house.judge()
