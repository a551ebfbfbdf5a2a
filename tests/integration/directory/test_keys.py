"""Keys: who they speak for, for what, from where and until when."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.config.tables import Customer
from daemon.directory import keys, loading
from daemon.directory.keys import Created, Revoked, Wanted
from daemon.directory.principals import Principal, Principals
from daemon.store import door
from daemon.store import keys as rows

KEY = b"k" * 32
ANN = Customer(id=1, name="Ann")
OFFICE = "192.0.2.0/24"


@pytest.fixture(autouse=True)
async def _customers(store: door.Store) -> None:
    await loading.load(store, customers=(ANN,), transports=(), tokens=(), key=KEY)


async def _made(store: door.Store, wanted: Wanted) -> Created:
    made = await keys.create(store, wanted, key=KEY, by="operator")
    assert made is not None
    return made


async def _who(store: door.Store, made: Created) -> Principal | None:
    """For whom its token speaks, asked by somebody who has never heard of it."""
    return await Principals(store, key=KEY).of_token("form_token", "", made.token)


async def _changes(store: door.Store) -> list[tuple[str, ...]]:
    async with store.session() as session:
        found = await session._connection.fetch(
            "SELECT by, entity, entity_id, deed FROM change ORDER BY id"
        )
    return [tuple(row) for row in found]


async def test_a_key_speaks_for_its_customer(store: door.Store) -> None:
    """What was made is known by its token, which is stored nowhere; who made it is kept."""
    made = await _made(store, Wanted(customer=1))
    who = await _who(store, made)
    assert who is not None
    assert (who.customer.id, who.person_id) == (1, None)
    assert who.covers("send")
    (listed,) = await rows.listed(store, 1, ended=False, after=0, limit=10)
    assert listed.prefix == made.token[:8]
    assert listed.last_used_at is not None
    async with store.session() as session:
        everything = await session._connection.fetchval(
            "SELECT string_agg(k::text, ' ') || (SELECT string_agg(c::text, ' ') FROM change c)"
            " FROM api_key k"
        )
    assert made.token not in everything
    assert await _changes(store) == [("operator", "api_key", str(made.id), "created")]


async def test_a_key_may_be_for_some_commands(store: door.Store) -> None:
    """Scopes are commands, or families of them."""
    who = await _who(store, await _made(store, Wanted(customer=1, scopes=("send", "events"))))
    assert who is not None
    covered = [name for name in ("send", "status", "events.replay", "sender") if who.covers(name)]
    assert covered == ["send", "events.replay"]


async def test_a_key_that_is_over(store: door.Store) -> None:
    """From the moment that it expires, or is revoked, it is no key any more."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    made = await _made(store, Wanted(customer=1, expires_at=soon))
    assert await _who(store, made)
    async with store.session() as session:
        await session._connection.execute("UPDATE api_key SET expires_at = now()")
    assert await _who(store, made) is None
    other = await _made(store, Wanted(customer=1))
    assert await keys.revoke(store, other.id, by="operator") is Revoked.NOW
    assert await _who(store, other) is None
    assert await keys.revoke(store, other.id, by="operator") is Revoked.BEFORE
    assert await keys.revoke(store, 10**6, by="operator") is Revoked.UNKNOWN
    assert await rows.listed(store, None, ended=False, after=0, limit=10) == []
    assert len(await rows.listed(store, None, ended=True, after=0, limit=10)) == 2
    assert (await _changes(store))[-1] == ("operator", "api_key", str(other.id), "deleted")


async def test_a_key_may_be_bound_to_a_network(store: door.Store) -> None:
    """It counts from there only; what comes by the queue comes from nowhere that could be told."""
    made = await _made(store, Wanted(customer=1, sources=(OFFICE,)))
    assert await _who(store, made) is None
    (row,) = await rows.listed(store, 1, ended=False, after=0, limit=1)
    assert row.sources == [OFFICE]
    async with store.session() as session:
        known_by = await session._connection.fetchval("SELECT key_hash FROM api_key")
    for source, is_known in (("192.0.2.77", True), ("192.0.3.1", False), ("2001:db8::1", False)):
        found = await rows.holder(store, "form_token", "", known_by, source=source)
        assert (found is not None) is is_known


async def test_a_key_for_nobody(store: door.Store) -> None:
    """There is none for a customer who isn't there, or for somebody who isn't his."""
    async with store.session() as session:
        root = "INSERT INTO person (customer_id) VALUES (0) RETURNING id"
        theirs = await session._connection.fetchval(root)
    for wanted in (Wanted(customer=9), Wanted(customer=1, person=theirs)):
        assert await keys.create(store, wanted, key=KEY, by="operator") is None
    mine = await _made(store, Wanted(customer=0, person=theirs))
    who = await _who(store, mine)
    assert who is not None
    assert who.person_id == theirs


async def test_a_reload_leaves_keys_alone(store: door.Store) -> None:
    """A configuration revokes only what it brought itself."""
    made = await _made(store, Wanted(customer=1))
    await loading.load(store, customers=(ANN,), transports=(), tokens=(), key=KEY)
    assert await _who(store, made)
