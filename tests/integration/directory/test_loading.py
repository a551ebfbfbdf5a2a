"""The configuration's lists become tables, and tell who asks."""

import pytest

from daemon.config import Secret
from daemon.config.tables import Customer, Token, Transport
from daemon.directory import loading
from daemon.directory.principals import Principals
from daemon.store import directory, door, lanes

KEY = b"k" * 32
ANN = Customer(id=1, name="Ann")
BOB = Customer(id=2, name="Bob", parent=1, status="locked")
RELAY = Transport(id=1, customer=1, name="Relay", host="127.0.0.1", is_default=True)
OTHER = Transport(id=2, customer=1, name="Other", host="127.0.0.1", max_connections=3)
TOKEN = Token(customer=2, token=Secret("let-me-in"), login="bob@example.com")


async def _load(
    store: door.Store,
    customers: tuple[Customer, ...] = (BOB, ANN),
    transports: tuple[Transport, ...] = (RELAY, OTHER),
    tokens: tuple[Token, ...] = (TOKEN,),
) -> None:
    await loading.load(store, customers=customers, transports=transports, tokens=tokens, key=KEY)


async def test_a_law_is_named_in_one_line(store: door.Store) -> None:
    """Who has children beside the configuration isn't deleted by it: that is told, not a fault."""
    await _load(store)
    async with store.session() as session:
        await session._connection.execute(
            "INSERT INTO customer (id, parent_id, name) VALUES (9, 1, 'nine')"
        )
    ann, bob = (one.model_copy(update={"status": "deleted"}) for one in (ANN, BOB))
    with pytest.raises(directory.Unlawful, match=r"customer 1 has children that are not deleted"):
        await _load(store, customers=(ann, bob))
    kept = await Principals(store, key=KEY).customer(1)
    assert kept is not None
    assert kept.is_active


async def test_who_is_configured_is_known(store: door.Store) -> None:
    """After a load customers and tokens are found, with their status."""
    await _load(store)
    principals = Principals(store, key=KEY)
    ann = await principals.customer(1)
    bob = await principals.of_token("form_token", "", "let-me-in")
    assert ann is not None
    assert ann.is_active
    assert bob is not None
    assert (bob.customer.id, bob.customer.is_active, bob.person_id) == (2, False, None)


async def test_a_token_may_be_a_persons(store: door.Store) -> None:
    """A key that belongs to somebody says to whom; he is of his customer, and of no other."""
    await _load(store)
    async with store.session() as session:
        run = session._connection.fetchval
        person = await run("INSERT INTO person (customer_id) VALUES (2) RETURNING id")
        await run("UPDATE api_key SET person_id = $1", person)
    principals = Principals(store, key=KEY)
    bob = await principals.of_token("form_token", "", "let-me-in")
    assert bob is not None
    assert bob.person_id == person
    ann = await principals.customer(1)
    assert ann is not None
    assert await principals.person(bob.customer, person)
    assert not await principals.person(ann, person)


async def test_strangers_are_not_known(store: door.Store) -> None:
    """A wrong token, scheme, login or number is nobody's."""
    await _load(store)
    principals = Principals(store, key=KEY)
    assert await principals.customer(3) is None
    assert await principals.of_token("form_token", "", "let-me-out") is None
    assert await principals.of_token("bearer", "", "let-me-in") is None
    assert await principals.of_token("form_token", "ann@example.com", "let-me-in") is None
    assert await principals.of_token("form_token", "bob@example.com", "let-me-in") is not None


async def test_a_load_is_repeatable(store: door.Store) -> None:
    """Loading the same twice leaves the same lanes under the same numbers."""
    await _load(store)
    before = await lanes.everything(store)
    await _load(store)
    assert await lanes.everything(store) == before
    assert [lane.max_connections for lane in before] == [20, 3]


async def test_what_is_gone_counts_no_more(store: door.Store) -> None:
    """A transport or token that left the configuration is out of use; a customer is kept."""
    await _load(store)
    await _load(store, customers=(ANN,), transports=(OTHER,), tokens=())
    principals = Principals(store, key=KEY)
    assert [lane.transport_id for lane in await lanes.everything(store)] == [2]
    assert await principals.of_token("form_token", "", "let-me-in") is None
    assert await principals.customer(2) is not None


async def test_the_default_can_move(store: door.Store) -> None:
    """Another transport may become the default in one load, and back in the next."""
    await _load(store)
    moved = (
        RELAY.model_copy(update={"is_default": False}),
        OTHER.model_copy(update={"is_default": True}),
    )
    await _load(store, transports=moved)
    await _load(store)
    assert len(await lanes.everything(store)) == 2


async def test_answers_are_kept_until_forgotten(store: door.Store) -> None:
    """A change is seen after the cache is told, or when the answer has grown old."""
    now = 0.0
    principals = Principals(store, key=KEY, clock=lambda: now)
    assert await principals.customer(1) is None
    await _load(store)
    assert await principals.customer(1) is None
    principals.forget()
    assert await principals.customer(1) is not None
    await _load(
        store, customers=(ANN.model_copy(update={"status": "blocked"}),), tokens=(), transports=()
    )
    now = 6.0
    found = await principals.customer(1)
    assert found is not None
    assert found.status == "blocked"
