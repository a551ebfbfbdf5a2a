"""Dead letters on their way back, or away for good.

A letter is published first, mandatory and confirmed, and only then taken from the dead. A letter
without a key goes alone, so that a kill in between doubles one at most: nobody could recognise it.
"""

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daemon import crashpoints
from daemon.broker import errors, morgue
from daemon.broker.confirms import Fate, Published
from daemon.broker.dead import DeadLetter
from daemon.broker.morgue import Morgue
from daemon.cli import progress, requests
from daemon.cli.screen import Screen

if TYPE_CHECKING:
    from daemon import config


@dataclass(slots=True, kw_only=True)
class Done:
    """What came of a replay."""

    number: int = 0
    """Letters that went back."""
    left: list[tuple[DeadLetter, str]] = field(default_factory=list)
    """Those that the broker didn't take, and why."""


def opened(settings: "config.Config") -> AbstractAsyncContextManager[Morgue]:
    """The dead letters of the configuration's broker. Raises `Unavailable`, `Refused`."""
    rabbitmq = settings.rabbitmq
    return morgue.opened(rabbitmq.url.reveal(), rabbitmq.prefix, seconds=rabbitmq.connect_timeout)


async def replayed(settings: "config.Config", chosen: Counter[str], screen: Screen) -> Done:
    """Puts back so many of each digest. Raises `Unavailable` when the broker is lost on the way."""
    done, user = Done(), requests.login(settings.rabbitmq.url.reveal())
    seconds = settings.rabbitmq.publish_timeout
    with progress.bar("putting back", chosen.total(), screen) as step:
        async with opened(settings) as held:
            async for group in _of(held, chosen):
                for some in alike(group):
                    await _put_back(held, some, done, seconds=seconds, user=user)
                    step(len(some))
            await held.dropped()
    return done


async def dropped(settings: "config.Config", chosen: Counter[str]) -> int:
    """Takes away so many of each digest; answers how many there were."""
    number = 0
    async with opened(settings) as held:
        async for group in _of(held, chosen):
            held.drop(group)
            number += len(group)
        await held.dropped()
    return number


def alike(letters: Sequence[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """In their order, as they may go together: to one exchange, as one user, each with a key."""
    numbers = itertools.count()

    def kind(letter: DeadLetter) -> tuple[str, str | None, int]:
        alone = -1 if letter.parcel.message_id else next(numbers)
        return letter.exchange, letter.parcel.user_id, alone

    for _, group in itertools.groupby(letters, kind):
        yield list(group)


async def _of(held: Morgue, chosen: Counter[str]) -> AsyncIterator[list[DeadLetter]]:
    """The chosen ones among those that lie there, never more of a kind than were chosen."""
    left = Counter(chosen)
    async for group in held.letters():
        taken = []
        for letter in group:
            if left[letter.digest] > 0:
                left[letter.digest] -= 1
                taken.append(letter)
        if taken:
            yield taken
        if not left.total():
            return


async def _put_back(
    held: Morgue, letters: list[DeadLetter], done: Done, *, seconds: float, user: str
) -> None:
    published = await held.put_back(letters, seconds=seconds)
    crashpoints.reach("dead.published")
    pairs = list(zip(letters, published.fates, strict=True))
    back = [letter for letter, fate in pairs if fate is Fate.CONFIRMED]
    held.drop(back)
    done.number += len(back)
    done.left += [
        (letter, _why(letter, fate, published, user))
        for letter, fate in pairs
        if fate is not Fate.CONFIRMED
    ]


def _why(letter: DeadLetter, fate: Fate, published: Published, user: str) -> str:
    """Why a letter didn't go back, and what to mend. Raises `Unavailable` if nobody knows."""
    if fate is Fate.RETURNED:
        where = letter.exchange or "the default exchange"
        return f"no queue takes {letter.parcel.routing_key} at {where}: deliveryd topology check"
    if fate is Fate.NACKED:
        return "its queue takes no more"
    if letter.parcel.user_id not in (None, user) and "user_id" in published.why:
        return (
            f"RabbitMQ lets {user} not publish as {letter.parcel.user_id}:"
            f" rabbitmqctl set_user_tags {user} impersonator, for as long as it takes"
        )
    raise errors.Unavailable(published.why)
