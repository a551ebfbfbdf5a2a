"""Passwords of people: kept as argon2 hashes, which cost time and memory on purpose.

A hash takes a fifth of a second and 64 MiB: it is made in a thread, and few at a time, so that
neither the event loop nor the memory is anybody's to take.
"""

import asyncio

from daemon.store import door, keeping

AT_ONCE = 2
"""Hashes that are made at a time."""
SHORTEST, LONGEST = 8, 1024
"""Characters; a longer one is no better, and costs as long as it is."""

_room = asyncio.Semaphore(AT_ONCE)


async def hashed(password: str) -> str:
    """What is kept of it; different each time, since it has a salt of its own."""
    async with _room:
        return await asyncio.to_thread(_hash, password)


async def fits(kept: str | None, password: str) -> bool:
    """Whether it is the password that was hashed. What isn't a hash fits nothing.

    Nobody's (None) takes as long as somebody's, so that a guess doesn't tell who is there.
    """
    if kept is None:
        await hashed(password)
        return False
    async with _room:
        return await asyncio.to_thread(_fits, kept, password)


async def give(store: door.Store, person: int, password: str | None, *, by: str) -> bool:
    """Gives somebody a password, or takes it; False when he isn't there."""
    kept = None if password is None else await hashed(password)
    return await keeping.give_password(store, person, kept, by=by)


def _hash(password: str) -> str:
    import argon2  # noqa: PLC0415 - few have to do with passwords, and everybody would wait for it

    made: str = argon2.PasswordHasher().hash(password)
    return made


def _fits(kept: str, password: str) -> bool:
    import argon2  # noqa: PLC0415 - see above

    try:
        return bool(argon2.PasswordHasher().verify(kept, password))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
