"""Passwords of people, as hashes that fit nothing else."""

import asyncio

import pytest

from daemon.directory import passwords
from daemon.directory.principals import Principals
from daemon.store import door


async def test_what_is_kept_fits_one_password() -> None:
    """A hash is another one each time, says nothing, and fits the password that it was made of."""
    one, other = [await passwords.hashed("correct horse") for _ in range(2)]
    assert one != other
    assert one.startswith("$argon2id$")
    assert await passwords.fits(one, "correct horse")
    assert not await passwords.fits(one, "correct house")
    assert not await passwords.fits("no hash", "correct horse")


async def test_the_loop_turns_meanwhile() -> None:
    """Hashes are made beside the event loop, which goes on."""
    turns = 0
    async with asyncio.TaskGroup() as group:
        hashing = [group.create_task(passwords.hashed("correct horse")) for _ in range(4)]
        while not all(one.done() for one in hashing):
            await asyncio.sleep(0.001)
            turns += 1
    assert turns > 20


async def test_given_and_taken(store: door.Store) -> None:
    """Somebody has the password that he was given last, or none; who gave it is kept, not it."""
    async with store.session() as session:
        run = session._connection.fetchval
        person = await run("INSERT INTO person (customer_id) VALUES (0) RETURNING id")
    for password in ("correct horse", None):
        assert await passwords.give(store, person, password, by="test")
        async with store.session() as session:
            kept = await session._connection.fetchval("SELECT password_hash FROM person")
        assert (kept is None) is (password is None)
        assert password is None or await passwords.fits(kept, password)
    async with store.session() as session:
        noted = await session._connection.fetch("SELECT by, deed, detail::text FROM change")
    assert [(row["by"], row["deed"]) for row in noted] == [("test", "changed")] * 2
    assert "horse" not in str(noted)
    assert not await passwords.give(store, 10**6, "correct horse", by="test")


async def test_who_shows_his_own(acmes: door.Store) -> None:
    """Username and password are somebody's, with his role; a wrong one, or none given, nobody's."""
    await passwords.give(acmes, 1, "correct horse", by="test")
    principals = Principals(acmes, key=b"k" * 32)
    who = await principals.of_password("p1", "correct horse")
    assert who is not None
    assert (who.customer.id, who.person_id, who.scopes) == (7, 1, ())
    assert who.may("send_emails")
    for username, password in (
        ("p1", "correct house"),
        ("P1", "correct horse"),
        ("p2", ""),
        ("p99", "correct horse"),
    ):
        assert await principals.of_password(username, password) is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE person SET deleted_at = now() WHERE id = 1",
        "UPDATE person SET retired = true WHERE id = 1",
        "UPDATE person SET allowed_sources = '{192.0.2.0/24}' WHERE id = 1",
        "UPDATE person SET password_hash = NULL WHERE id = 1",
        "UPDATE role SET can_login = false WHERE name = 'Reseller'",
    ],
)
async def test_who_may_not_come_any_more(acmes: door.Store, change: str) -> None:
    """T016: whoever is gone, kept out or bound to a network is as good as unknown."""
    await passwords.give(acmes, 1, "correct horse", by="test")
    async with acmes.session() as session:
        await session._connection.execute(change)
    principals = Principals(acmes, key=b"k" * 32)
    assert await principals.of_password("p1", "correct horse") is None


async def test_nobodys_password_costs_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash is made for a user who isn't there as well: how long it takes tells nothing."""
    made = []
    monkeypatch.setattr(passwords, "_hash", lambda password: made.append(password) or "")
    assert not await passwords.fits(None, "correct horse")
    assert made == ["correct horse"]


@pytest.fixture(autouse=True)
def _of_this_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a loop of its own."""
    monkeypatch.setattr(passwords, "_room", asyncio.Semaphore(passwords.AT_ONCE))
