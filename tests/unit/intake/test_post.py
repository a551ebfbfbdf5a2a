"""Answers as what is published."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from daemon.broker.confirms import Fate, Published
from daemon.broker.parcel import Outgoing
from daemon.dialects import DIALECTS
from daemon.intake import late, post
from daemon.intake.ask import Back, Verdict
from daemon.mail.refusal import Code, refused
from daemon.mail.request.answers import Done

_DONE = Verdict(result="answered", answer=Done(command="resume"))


def test_nobody_waits_for_it() -> None:
    """Without a place to send it to, or with nothing to say yet, there is no letter."""
    assert post.letter(Back(), _DONE) is None
    assert post.letter(Back(reply_to="me"), Verdict(result="kept")) is None


def test_the_first_answer_again() -> None:
    """A repeat is the same octets; that it is one stands beside them."""
    letter = post.letter(Back(reply_to="me"), Verdict(result="repeated", repeated=b"{}"))
    assert letter is not None
    assert (letter.text, letter.headers) == (b"{}", {"repeated": True})
    first = post.letter(Back(reply_to="me"), _DONE)
    assert first is not None
    assert first.headers is None


def test_a_dialect_has_a_status() -> None:
    """A foreigner's answer carries the status that it would have over HTTP."""
    verdict = Verdict(result="refused", answer=refused(Code.AUTH_INVALID, "no"))
    letter = post.letter(Back(reply_to="me", dialect=DIALECTS["smsby"]), verdict)
    assert letter is not None
    assert letter.headers == {"http_status": 401}
    assert b'"status":"error"' in letter.text


class Owing:
    """What is on record of answers that wait."""

    def __init__(self) -> None:
        self.record: dict[str, Outgoing] = {}

    async def note(self, letters: Sequence[Outgoing]) -> None:
        """Puts them on record."""
        self.record |= {one.message_id: one for one in letters}

    async def forget(self, letters: Iterable[Outgoing]) -> None:
        """They were given."""
        for one in letters:
            self.record.pop(one.message_id, None)

    async def adopt(self) -> list[Outgoing]:
        """Those of the dead: here all that are on record."""
        return list(self.record.values())


def _nobody() -> Any:
    return Owing()


class Publisher:
    """Publishes to a broker whose confirms are lost until it is `well`."""

    is_blocked = False
    is_there = False

    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.well = False

    async def publish(self, _: str, items: Sequence[Outgoing], *, seconds: float) -> Published:
        """What becomes of them."""
        self.published += items
        await asyncio.sleep(0)
        fate = Fate.CONFIRMED if self.well else Fate.UNKNOWN
        return Published(fates=(fate,) * len(items), why="connection lost")


@pytest.mark.parametrize("is_over", [False, True])
async def test_what_nobody_confirmed_is_sent_again(
    monkeypatch: pytest.MonkeyPatch, is_over: bool
) -> None:
    """An answer that was on its way when the connection was cut follows when it is there again.

    Also where the instance has lost its lease meanwhile, and is another one.
    """
    monkeypatch.setattr(late, "_PAUSE", 0.0)
    publisher: Any = Publisher()
    owing: Any = Owing()
    kept: deque[Outgoing] = deque()
    out = post.Post(publisher, publisher, kept, owing, dead="dead", seconds=1.0)
    await out.answer([post.letter(Back(reply_to="me"), _DONE), None])
    assert list(owing.record.values()) == list(kept)
    publisher.well = True
    with suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            next_life = post.Post(publisher, publisher, kept, owing, dead="dead", seconds=1.0)
            await (next_life if is_over else out).run()
    assert not kept
    assert owing.record == {}
    first, again = publisher.published
    assert (first, first.routing_key) == (again, "me")


async def test_what_was_confirmed_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several that leave together only those follow of which nobody knows."""
    monkeypatch.setattr(late, "_PAUSE", 0.0)
    publisher: Any = Publisher()
    kept = late.Late(publisher, deque(), _nobody(), seconds=1.0)
    kept.keep(
        Outgoing(routing_key="me", body=b"{}", message_id=name, type="answer") for name in "abc"
    )
    fates = iter([[Fate.CONFIRMED, Fate.UNKNOWN, Fate.RETURNED], [Fate.CONFIRMED]])

    async def publish(_: str, items: Sequence[Outgoing], **_more: float) -> Published:
        publisher.published += items
        return Published(fates=tuple(next(fates)))

    monkeypatch.setattr(publisher, "publish", publish)
    with suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await kept.run()
    assert [one.message_id for one in publisher.published] == ["a", "b", "c", "b"]


async def test_one_that_is_refused_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """What closes the channel whenever it is sent is found, given up, and the rest leaves."""
    monkeypatch.setattr(late, "_PAUSE", 0.0)
    publisher: Any = Publisher()
    publisher.is_there = True
    queue: deque[Outgoing] = deque()
    kept = late.Late(publisher, queue, _nobody(), seconds=1.0)
    kept.keep(
        Outgoing(routing_key=name, body=b"{}", message_id=name, type="answer") for name in "abXcd"
    )
    taken: list[str] = []

    async def publish(_: str, items: Sequence[Outgoing], **_more: float) -> Published:
        await asyncio.sleep(0)
        if any(one.routing_key == "X" for one in items):
            return Published(fates=(Fate.UNKNOWN,) * len(items), why="403")
        taken.extend(one.routing_key for one in items)
        return Published(fates=(Fate.CONFIRMED,) * len(items))

    monkeypatch.setattr(publisher, "publish", publish)
    with suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await kept.run()
    assert (taken, list(queue)) == (list("abcd"), [])


async def test_nothing_is_given_up_while_the_broker_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long that is."""
    monkeypatch.setattr(late, "_PAUSE", 0.0)
    publisher: Any = Publisher()
    queue: deque[Outgoing] = deque()
    kept = late.Late(publisher, queue, _nobody(), seconds=1.0)
    kept.keep([Outgoing(routing_key="me", body=b"{}", message_id="a", type="answer")])
    with suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            await kept.run()
    assert len(publisher.published) > 10
    assert [one.message_id for one in queue] == ["a"]


async def test_what_the_dead_owe_is_given_when_it_can_be() -> None:
    """Not while the broker takes nothing, and none that waits here already."""
    publisher, owing = Publisher(), Owing()
    letters = [
        Outgoing(routing_key="me", body=b"{}", message_id=name, type="answer") for name in "ab"
    ]
    queue = deque(letters[:1])
    anything: Any = publisher
    kept = late.Late(anything, queue, _as_any(owing), seconds=1.0)
    await owing.note(letters)
    await kept.adopt()
    assert [one.message_id for one in queue] == ["a"]
    publisher.is_there = True
    await kept.adopt()
    assert [one.message_id for one in queue] == ["a", "b"]


def _as_any(one: object) -> Any:
    return one
