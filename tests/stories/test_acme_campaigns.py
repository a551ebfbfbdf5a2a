"""Senders and campaigns: the cases of the requirements (3.3) by native requests."""

from typing import Any

from tests.stories import asks
from tests.stories.acme import of, reached, refused, send
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP

_CONTENT = {"subject": "Hello", "text": "Hello."}


def _letter(**fields: Any) -> dict[str, Any]:
    """The one message of a send, with content; who it is from isn't said."""
    return {"messages": [_CONTENT | fields]}


def _kept(command: str, /, **fields: Any) -> dict[str, Any]:
    """A command of customer 7 as a whole."""
    return asks.command(command, principal=of(None, 7)) | fields


async def test_t033(furnished: House) -> None:
    """T033: From is Acme News by sender 1; without one it is the transport's; 2 isn't there."""
    cases = ((_letter(sender_id=1), "Acme News <news@acme.example>"),
             (_letter(), "mailer@acme.example"))  # fmt: skip
    for number, (letter, shown) in enumerate(cases):
        to = f"t033-{number}@x.example"
        await reached(furnished, send(1, to, **letter), to)
        [mail] = furnished.sink.mails_to(to)
        assert mail["From"] == shown
    foreign, unknown = send(1, "a@x.example", **_letter(sender_id=2)), send(1, "a@x.example")
    unknown |= _letter(sender_id=424_242)
    no_sender = [("not_found", "messages[0].sender_id")]
    assert await refused(furnished, foreign, unknown) == [no_sender] * 2


async def test_t033_beside_an_author(furnished: House) -> None:
    """T033: a sender comes before the author, who is named by nothing then."""
    to = "t033-both@x.example"
    both = _letter(sender_id=1, author={"person_id": 1})
    await reached(furnished, send(1, to, **both), to)
    [mail] = furnished.sink.mails_to(to)
    assert (mail["From"], mail["Reply-To"]) == ("Acme News <news@acme.example>", None)


async def test_t031(furnished: House) -> None:
    """T031: 880 it is; 881 is over, 882 not simple, and 890 is as one that there isn't."""
    asked = await reached(
        furnished, send(1, "t031@x.example", campaign_id=880, **_letter()), "t031@x.example"
    )
    assert asked.done["campaign"] == 880
    bodies = [
        send(1, "a@x.example", campaign_id=number, **_letter())
        for number in (881, 882, 890, 424_242)
    ]
    conflict, gone = ("state.conflict", "campaign_id"), ("not_found", "campaign_id")
    assert await refused(furnished, *bodies) == [[conflict], [conflict], [gone], [gone]]


async def test_new_ones_stand_beside_those_of_the_files(furnished: House) -> None:
    """What is made by request gets a number that no file has chosen, and is used at once."""
    made = await furnished.producer.ask(_kept("senders.put", address="may@acme.example"))
    sender = made.said["sender"]
    assert sender > 2
    content = {"name": "May", "html": "<p>It is May.</p>"}
    made = await furnished.producer.ask(_kept("campaigns.create", sender=sender, **content))
    campaign = made.said["campaign"]
    assert campaign > 890
    own = {"messages": [{"subject": "May"}]}
    body = send(1, "may@x.example", campaign_id=campaign, **own)
    await reached(furnished, body, "may@x.example")
    [mail] = furnished.sink.mails_to("may@x.example")
    assert (mail["From"], mail["Subject"]) == ("may@acme.example", "May")
    assert "It is May." in mail.get_body(("html",)).get_content()
    stands = await furnished.producer.ask(_kept("status", campaign=campaign))
    assert (stands.said["jobs"], stands.said["counts"]["sent"]) == ({"completed": 1}, 1)
