"""`deliveryd sender` and `deliveryd campaign`, as they are typed, before a real daemon."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Typed
from tests.stories import house as houses
from tests.stories.conftest import shared_servers  # noqa: F401 - a fixture
from tests.stories.house import House
from tests.stories.servers import Servers


@pytest.fixture
async def house(
    shared_servers: Servers,  # noqa: F811
    tmp_path: Path,
) -> AsyncIterator[House]:
    """A house whose sink keeps the mails themselves."""
    async with houses.opened(shared_servers, tmp_path, keeps_bytes=True) as opened:
        yield opened


async def test_from_a_sender_under_a_campaign(house: House) -> None:
    """Both are made, mail goes out by them, and all that was booked is found again."""
    await house.start()
    code, answer = await house.typed(
        "sender", "create", "news@sender.test", "--name", "News", "--transport", "1"
    )
    assert (code, answer["customer"], answer["transport"]) == (0, 1, 1)
    sender = str(answer["sender"])
    code, answer = await house.typed(
        "campaign", "create", "Spring", "--subject", "Spring, {{ address }}",
        "--html", "<p>Dear</p>", "--sender", sender,
    )  # fmt: skip
    assert (code, answer["active"], answer["source"]) == (0, True, "api")
    campaign = str(answer["campaign"])
    code, answer = await house.typed(
        "send", "--campaign", campaign, "--to", "ann@there.test", "--wait"
    )
    assert (code, answer["campaign"], answer["counts"]["sent"]) == (0, int(campaign), 1)
    [mail] = house.sink.mails_to("ann")
    assert mail["From"] == "News <news@sender.test>"
    assert mail["Subject"] == "Spring, ann@there.test"
    job = answer["job"]
    code, answer = await house.typed(
        "send", "--sender", sender, "--to", "bob@there.test", "--subject", "s", "--text", "t",
        "--wait",
    )  # fmt: skip
    [mail] = house.sink.mails_to("bob")
    assert (code, mail["From"], mail["Subject"]) == (0, "News <news@sender.test>", "s")
    for words in (("job", "show", job), ("status", job)):
        code, answer = await house.typed(*words)
        assert (code, answer["campaign"]) == (0, int(campaign))
    code, answer = await house.typed("job", "list", "--all", "--campaign", campaign)
    assert [one["id"] for one in answer["jobs"]] == [job]
    code, answer = await house.typed("campaign", "show", campaign)
    assert (answer["name"], answer["jobs"], answer["counts"]["sent"]) == (
        "Spring", {"completed": 1}, 1
    )  # fmt: skip
    code, answer = await house.typed("sender", "delete", sender)
    assert (code, answer["errors"][0]["code"]) == (1, "state.conflict")


async def test_the_life_of_a_sender(house: House) -> None:
    """It is changed, a value taken away from it, looked at, and taken away itself."""
    await house.start()
    code, answer = await house.typed(
        "sender", "create", "news@sender.test", "--reply-to", "office@sender.test",
        "--transport", "1",
    )  # fmt: skip
    number = str(answer["sender"])
    code, answer = await house.typed(
        "sender", "change", number, "--name", "News", "--reply-to", "", "--transport", "0",
        "--no-active",
    )  # fmt: skip
    assert (code, answer["name"], answer["active"]) == (0, "News", False)
    assert (answer["reply_to"], answer["transport"]) == (None, None)
    code, shown = await house.typed("sender", "show", number)
    assert (code, shown["name"], shown["address"]) == (0, "News", "news@sender.test")
    code, answer = await house.typed("sender", "list", "--customer", "1", "--limit", "1")
    assert ([one["sender"] for one in answer["senders"]], answer["page"]) == (
        [int(number)], int(number)
    )  # fmt: skip
    code, answer = await house.typed("sender", "delete", number)
    assert (code, answer["ok"]) == (0, True)
    code, answer = await house.typed("sender", "list")
    assert (code, answer) == (0, {"senders": [], "page": None})


async def test_the_life_of_a_campaign(house: House) -> None:
    """It is switched off and on, and found by that; one that isn't there is told."""
    await house.start()
    code, answer = await house.typed("campaign", "create", "Spring", "--no-active")
    number = str(answer["campaign"])
    code, answer = await house.typed("campaign", "list", "--no-active")
    assert [one["campaign"] for one in answer["campaigns"]] == [int(number)]
    code, answer = await house.typed("campaign", "activate", number)
    assert (code, answer["active"]) == (0, True)
    code, answer = await house.typed("campaign", "activate", number)
    assert (code, answer["unchanged"]) == (0, True)
    code, answer = await house.typed("campaign", "list", "--no-active")
    assert (code, answer["campaigns"]) == (0, [])
    code, answer = await house.typed("campaign", "deactivate", number)
    assert (code, answer["active"]) == (0, False)
    sent = ("send", "--campaign", number, "--to", "ann@there.test", "--subject", "s", "--text", "t")
    code, answer = await house.typed(*sent)
    assert (code, answer["errors"][0]["code"]) == (1, "state.conflict")


@pytest.mark.parametrize(
    "words", ["sender show 99", "sender change 99 --name x", "sender delete 99 --yes",
              "campaign show 99", "campaign activate 99", "campaign deactivate 99"],
)  # fmt: skip
async def test_what_is_not_there(typed: Typed, words: str) -> None:
    """It is told by its number, before anything is asked for."""
    ended = await typed(*words.split())
    assert (ended.code, ended.out) == (1, "")
    assert f"there is no {words.partition(' ')[0]} 99" in ended.err


async def test_nothing_to_change(typed: Typed) -> None:
    """A change that says nothing is a matter of usage."""
    assert (await typed("sender", "change", "99")).code == 2
