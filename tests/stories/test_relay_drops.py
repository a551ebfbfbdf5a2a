"""The relay drops the connection, at each phase."""

from typing import Any

import pytest

from tests.forms import form
from tests.stories import asks
from tests.stories.house import House

BEFORE = (
    "drop-at-rcpt-once", "drop-at-data-once", "421-at-rcpt-once",
    "421-at-data-once", "421-at-dot-once", "garbage-at-rcpt-once", "garbage-at-data-once",
    "stall-at-rcpt-5-once", "early-250-once",
)  # fmt: skip
"""What certainly delivers nothing, once for each of these recipients."""
AFTER = (
    "drop-after-dot-once",
    "discard-after-dot-once",
    "garbage-at-dot-once",
    "stall-at-dot-6-once",
)
"""What nobody can tell: the dot has left and no reply has come."""

FAILED_ONCE = ("drop-at-data-once", "421-at-dot-once")
DOUBTED_ONCE = ("drop-after-dot-once", "discard-after-dot-once")
MANY = form(50, 2000)
"""Recipients of each of these kinds."""
PATIENCE = form(30.0, 300.0)
SILENCE = form(12, 300)
"""Seconds that a relay needs for a mail that it has read."""

FAILURES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("banner", {"act": "close"}),
    ("banner", {"act": "421"}),
    ("banner", {"act": "stall", "seconds": 5}),
    ("ehlo", {"act": "reset"}),
    ("mail", {"act": "close"}),
    ("mail", {"act": "421"}),
)


async def test_before_the_dot(house: House) -> None:
    """D11, D12, D16, D17: what breaks before the final dot is no doubt: tried again, sent once."""
    await house.start(intake__max_parcel="8MiB")
    people: list[Any] = [f"{words}+p@there.test" for words in BEFORE]
    # big enough that the dot can't have left when the body breaks off
    long = {"text": "All of it, and more of the same.\n" * 100_000}
    people.append({"address": "drop-in-body-5000-once+p@there.test", "override": long})
    asked = await house.producer.ask(asks.send([*people, *asks.people(20)]))
    completed = await house.events.completed(asked.job, seconds=40)
    assert completed.data["counts"]["sent"] == len(people) + 20
    assert house.events.number("delivery.in_doubt") == 0
    await house.judge()


async def test_before_any_recipient(house: House) -> None:
    """D11, D17: a relay that fails us before it has heard of a recipient costs time only."""
    await house.start()
    for phase, act in FAILURES:
        # every failure of a relay doubles its rest, so each of them comes to a relay that is well
        await house.sink.do("drop")
        await house.sink.do("mode", phase=phase, times=2, **act)
        asked = await house.producer.ask(asks.send(asks.people(20), name=f"{phase} {act}"))
        completed = await house.events.completed(asked.job)
        assert completed.data["counts"]["sent"] == 20
    assert house.events.number("delivery.in_doubt") == 0
    await house.judge()


async def test_after_the_dot(house: House) -> None:
    """D13, D14: a connection lost after the dot is a doubt, told as one; the mail goes again."""
    await house.start()
    people = [f"{words}+p@there.test" for words in AFTER]
    asked = await house.producer.ask(asks.send([*people, *asks.people(20)]))
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == len(AFTER) + 20
    doubted = house.events.of("delivery.in_doubt", asked.job)
    assert sorted(event.data["address"] for event in doubted) == sorted(people)
    await house.judge()


def _many(word: str) -> list[str]:
    return [f"{word}+p{number}@there.test" for number in range(MANY)]


def _in_turn(word: str) -> list[str]:
    """The many, each after one whom nothing befalls: a relay that fails only is hardly asked."""
    sound = (f"sound+{word}{number}@there.test" for number in range(MANY))
    return [one for pair in zip(sound, _many(word), strict=True) for one in pair]


@pytest.mark.timeout(form(60, 900))
@pytest.mark.parametrize("policy", ["resend", "hold"])
async def test_many_doubts(house: House, policy: str) -> None:
    """D12–D14, D16: of many that break off those are doubts whose dot had no reply, and no others.

    Resent, there are as many repeats as the relay had taken of them; held, there is none.
    """
    await house.start()
    jobs = [
        (await house.producer.ask(asks.send(_in_turn(word), delivery={"doubt": policy}))).job
        for word in (*FAILED_ONCE, *DOUBTED_ONCE)
    ]
    if policy == "hold":
        await house.events.count("delivery.in_doubt", 2 * MANY, seconds=PATIENCE)
        for job in jobs[2:]:
            await house.producer.ask(asks.command("doubt.resolve", job=job, action="give_up"))
    for job in jobs:
        await house.events.completed(job, seconds=PATIENCE)
    doubted = [event.data["address"] for event in house.events.of("delivery.in_doubt")]
    assert sorted(doubted) == sorted(one for word in DOUBTED_ONCE for one in _many(word))
    # of each kind of doubt everybody is sent to again, or nobody; one kind was stored before
    sent = {"resend": 8, "hold": 6}[policy] * MANY
    assert house.events.number("delivery.sent") == sent
    assert len(house.sink.copies) == sent + MANY
    await house.judge(seconds=PATIENCE)


@pytest.mark.timeout(SILENCE + 60)
async def test_a_relay_that_takes_its_time(house: House) -> None:
    """D15: one that is silent for minutes once it has read a mail has taken it: that is no doubt.

    As it comes a final reply is waited for ten minutes, and for nothing else so long.
    """
    timeouts = house.sections["delivery.timeouts"]
    house.sections["delivery.timeouts"] = {
        name: seconds for name, seconds in timeouts.items() if name != "dot"
    }
    await house.start()
    asked = await house.producer.ask(asks.send([f"stall-after-dot-{SILENCE}+p@there.test"]))
    completed = await house.events.completed(asked.job, seconds=SILENCE + 30)
    assert completed.data["counts"]["sent"] == 1
    assert house.events.number("delivery.in_doubt") == 0
    assert len(house.sink.copies) == 1
    await house.judge()


async def test_a_doubt_may_be_held(house: House) -> None:
    """With `hold` a doubt waits for a person; with `give_up` it is failed and never repeated."""
    await house.start()
    ask, words = house.producer.ask, "drop-after-dot-once+p@there.test"
    held = await ask(asks.send([words], delivery={"doubt": "hold"}))
    given_up = await ask(
        asks.send(["discard-after-dot+p@there.test"], delivery={"doubt": "give_up"})
    )
    doubt = (await house.events.count("delivery.in_doubt", 1, held.job))[0]
    ended = await house.events.completed(given_up.job)
    assert ended.data["counts"]["failed"] == 1
    listed = await ask(asks.command("doubt.list", job=held.job))
    assert [one["delivery"] for one in listed.done["doubts"]] == [doubt.delivery]
    await ask(asks.command("doubt.resolve", deliveries=[doubt.delivery], action="resend"))
    completed = await house.events.completed(held.job)
    assert completed.data["counts"]["sent"] == 1
    await house.judge()
