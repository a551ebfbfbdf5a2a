"""Who asks: a customer by number, one of his people, or what a request brought to prove it.

Answers are kept for a few seconds, a no too, so that a flood of requests isn't a flood of questions
to the database; a reload of this process forgets them at once, one of another is seen by then.
"""

import hmac
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from daemon.directory import passwords
from daemon.store import directory, door, keys
from daemon.store.directory import Customer, Named
from daemon.store.keys import Holder

FULL, LOOK = 1, 2
"""The access that lets somebody do a thing, and the one that lets him look; 0 does neither."""
KEPT = 5.0
"""Seconds that an answer is believed."""
_MOST = 10_000
"""Answers in memory; strangers can ask for as many tokens as they like."""

T = TypeVar("T")


def digest(key: bytes, secret: str) -> bytes:
    """The keyed hash that a token is known by."""
    return hmac.digest(key, secret.encode(), "sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: always of one customer; somebody of his, where that is known."""

    customer: Customer
    person_id: int | None = None
    is_trusted: bool = False
    """Whether the configuration believes whoever publishes for him."""
    scopes: Sequence[str] = ()
    """The commands that his key is for, or their families; empty = all."""
    access: Mapping[str, int] | None = None
    """What the role of that person lets him do, by privilege; None = all that is the customer's."""

    def covers(self, command: str) -> bool:
        """Whether he may ask for this at all, as far as his key goes."""
        names = (command, command.partition(".")[0])
        return not self.scopes or any(name in self.scopes for name in names)

    def may(self, privilege: str) -> bool:
        """Whether he may do it, and not only look at it."""
        return self.access is None or self.access.get(privilege) == FULL

    def may_look(self, privilege: str) -> bool:
        """Whether he may at least look at it."""
        return self.access is None or self.access.get(privilege) in {FULL, LOOK}


class Principals:
    """Looks up who asks."""

    def __init__(
        self, store: door.Store, *, key: bytes, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._key = key
        self._clock = clock
        self._kept: dict[Hashable, tuple[float, object]] = {}

    async def customer(self, number: int) -> Customer | None:
        """A customer, whatever his status; None when there is none of this number."""
        return await self._asked(number, lambda: directory.customer(self._store, number))

    async def person(
        self, customer: Customer, person: int, *, is_vouched: bool = True
    ) -> Principal | None:
        """Somebody of a customer's; None when he isn't, is gone, or may not ask for anything.

        Whom nobody vouches for has to come from his networks, and what comes by the queue comes
        from none that could be told.
        """
        if not await self._has_person(customer.id, person, is_vouched=is_vouched):
            return None
        access = await self._asked(
            ("access", person), lambda: directory.access(self._store, person)
        )
        return Principal(customer=customer, person_id=person, access=access)

    async def _has_person(self, number: int, person: int, *, is_vouched: bool) -> bool:
        return await self._asked(
            ("person", number, person, is_vouched),
            lambda: directory.has_person(self._store, number, person, is_vouched=is_vouched),
        )

    async def key(self, number: int, key: int) -> Holder | None:
        """A key of a customer's by its id; None when he has none of it, or it is over.

        Where it was shown is a matter of whoever names it.
        """
        return await self._asked(("key", number, key), lambda: keys.named(self._store, number, key))

    async def of_token(self, scheme: str, login: str, secret: str) -> Principal | None:
        """Whom a token speaks for; None for one that is unknown, over, or bound to a network.

        So it is with one of somebody who is bound to a network.
        """
        known_by = digest(self._key, secret)
        found = await self._asked(
            (scheme, login, known_by),
            lambda: keys.holder(self._store, scheme, login, known_by),
        )
        customer = await self.customer(found.customer_id) if found else None
        if found is None or customer is None:
            return None
        if found.person_id is None:
            return Principal(customer=customer, scopes=found.scopes)
        somebody = await self.person(customer, found.person_id, is_vouched=False)
        return somebody and replace(somebody, scopes=found.scopes)

    async def of_password(self, username: str, password: str) -> Principal | None:
        """Who has this username and this password; None for any other, whatever is wrong.

        Whoever is bound to a network comes from none here, as with tokens.
        """
        known_by = digest(self._key, password)
        found = await self._asked(
            ("password", username, known_by), lambda: self._checked(username, password)
        )
        customer = await self.customer(found.customer_id) if found else None
        if found is None or customer is None:
            return None
        return await self.person(customer, found.id, is_vouched=False)

    async def _checked(self, username: str, password: str) -> Named | None:
        found = await directory.named(self._store, username)
        is_his = await passwords.fits(found.password_hash if found else None, password)
        return found if is_his else None

    def forget(self) -> None:
        """The directory has changed: ask again."""
        self._kept.clear()

    async def _asked(self, question: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        until, answer = self._kept.get(question, (0.0, None))
        if self._clock() < until:
            return cast("T", answer)
        found = await ask()
        if len(self._kept) >= _MOST:
            self._kept.clear()
        self._kept[question] = (self._clock() + KEPT, found)
        return found
