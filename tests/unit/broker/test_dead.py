"""A parcel that is put away goes back as it was; nobody but us says whose it was."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daemon.broker import dead, encode
from daemon.broker.dead import Death
from daemon.broker.parcel import Outgoing, Parcel

AT = datetime(2026, 11, 25, 10, tzinfo=UTC)
DEATH = Death(reason="bad_json", detail="no JSON", queue="q", at=AT, customer=7)
words = st.text(st.characters(blacklist_categories=["Cs"]), max_size=300)
values = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | words | st.binary(max_size=9)
tables = st.dictionaries(st.text(max_size=150), values | st.lists(values, max_size=3), max_size=4)


def parcel(**more: Any) -> Parcel:
    """As it came off the queue `q`."""
    plain: dict[str, Any] = {
        "body": b"{", "size": 1, "queue": "q", "session": 1, "tag": 1,
        "routing_key": "request.normal", "redelivered": False, "headers": {}, "message_id": "m1",
    }  # fmt: skip
    return Parcel(**plain | more)


def lies(letter: Outgoing, **more: Any) -> Parcel:
    """As it comes off the queue of dead letters."""
    return parcel(
        queue="p.dead", body=letter.body, routing_key=letter.routing_key,
        headers=dict(letter.headers or {}), message_id=letter.message_id, type=letter.type,
        content_type=letter.content_type, content_encoding=letter.content_encoding,
        correlation_id=letter.correlation_id, reply_to=letter.reply_to, user_id=letter.user_id,
        timestamp=letter.timestamp,
    )  # fmt: skip


def test_ours_goes_back_as_it_was() -> None:
    """Body, key, properties and the producer's headers are restored; the reason stands beside."""
    was = parcel(
        type="smsby", reply_to="me", correlation_id="c", user_id="shop", timestamp=5,
        content_type="application/json", content_encoding="gzip",
        headers={"reason": "mine", "x-delivery-count": 3},
    )  # fmt: skip
    letter = dead.buried(was, DEATH)
    assert letter.headers is not None
    assert letter.user_id is None  # the broker would refuse it
    assert letter.headers["reason"] == "bad_json"
    found = dead.read(lies(letter), "p")
    assert (found.death, found.exchange) == (DEATH, "p")
    assert found.parcel == Outgoing(
        routing_key="request.normal", body=b"{", message_id="m1", type="smsby", reply_to="me",
        correlation_id="c", user_id="shop", timestamp=5, content_type="application/json",
        content_encoding="gzip", headers={"reason": "mine"},
    )  # fmt: skip


def test_the_brokers_own() -> None:
    """What the broker put away is known by its record, and goes back without it."""
    record = {"reason": "delivery_limit", "queue": "q", "exchange": "x", "time": AT, "count": 1}
    spoofed = {"reason": "bad_json", "user_id": "victim", "customer_id": 1}
    headers = {"x-death": [record], "x-first-death-queue": "q", "x-delivery-count": 21} | spoofed
    found = dead.read(parcel(headers=headers, user_id="shop"), "p")
    assert (found.death.reason, found.death.queue, found.death.at) == ("delivery_limit", "q", AT)
    assert (found.exchange, found.parcel.user_id) == ("x", "shop")
    assert found.death.customer is None
    assert found.parcel.headers == spoofed


def test_published_to_the_queue_itself() -> None:
    """Without an exchange the routing key is the queue's name, and so it goes back."""
    found = dead.read(lies(dead.buried(parcel(routing_key="q"), DEATH)), "p")
    assert found.exchange == ""


def test_a_key_for_the_keyless() -> None:
    """One without a key is given one: replayed twice it is recognised."""
    letters = [dead.buried(parcel(message_id=None), DEATH) for _ in range(2)]
    assert len({letter.message_id for letter in letters} - {""}) == 2


def test_headers_that_fill_a_frame() -> None:
    """A letter's own headers never burst the frame that the producer's have filled."""
    was = parcel(headers={"large": "x" * 130_000, "small": 1})
    letter = dead.buried(was, DEATH)
    assert letter.headers is not None
    assert letter.headers["headers"] == {"small": 1}


@given(tables, words, words)
def test_any_parcel_can_be_put_away(headers: dict[str, Any], text: str, key: str) -> None:
    """Whatever a producer wrote, the dead letter can be written, read, and put back."""
    was = parcel(headers=headers, message_id=text, type=text, reply_to=text, routing_key=key)
    letter = dead.buried(was, DEATH)
    encode.publishes([letter], exchange="", channel=1, frame_max=4096)
    found = dead.read(lies(letter), "p")
    encode.publishes([found.parcel], exchange="", channel=1, frame_max=4096)
    assert dead.read(parcel(headers=headers), "p").parcel.routing_key == "request.normal"
