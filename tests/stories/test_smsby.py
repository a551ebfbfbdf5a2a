"""The first dialect: sendEmail of sms.by, over the queue."""

from tests.stories import asks, config
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP


def _form(**more: object) -> dict[str, object]:
    return {
        "method": "sendEmail",
        "token": config.TOKEN,
        "sender_email": asks.FROM,
        "sender_name": "The shop",
        "subject": "Your order",
        "message": "<p>It is on its way.</p>",
        "email": " ann@there.test",
        **more,
    }


async def test_send_email(home: House) -> None:
    """The vendor's call on the queue becomes a mail, and its answer is the vendor's."""
    asked = await home.producer.ask(_form(), kind="smsby")
    assert asked.said["status"] == "OK"
    (sent,) = await home.events.count("delivery.sent", 1)
    assert sent.delivery == asked.done["result"]["email_id"]
    assert sent.data["address"] == "ann@there.test"
    await home.balance()


async def test_wrong(home: House) -> None:
    """A wrong token, a missing field and an address that is none are answered in its words."""
    ask = home.producer.ask
    strange = await ask(_form(token="guessed"), kind="smsby")
    empty = await ask(_form(subject=""), kind="smsby")
    nobody = await ask(_form(email="nobody"), kind="smsby")
    for asked, word in ((strange, "credentials"), (empty, "subject"), (nobody, "email")):
        assert asked.said["status"] == "error"
        assert word in asked.said["message"]
        await home.events.rejected(asked.message_id)
    await home.balance()
