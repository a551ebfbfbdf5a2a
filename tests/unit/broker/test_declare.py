"""What the broker says of a clash, in three words: which argument, wanted, found."""

import pytest

from daemon.broker import declare
from daemon.broker.topology import Exchange, Queue

QUEUE = Queue(name="q", exchange="x")


@pytest.mark.parametrize(
    ("argument", "said", "told"),
    [
        (
            "x-queue-type",
            "received the value 'quorum' of type 'longstr' but current is none",
            "is none, should be quorum",
        ),
        (
            "x-delivery-limit",
            "received the value '20' of type 'long' but current is the value '3' of type 'long'",
            "is 3, should be 20",
        ),
        (
            "durable",
            "received 'true' but current is 'false'",
            "is false, should be true",
        ),
    ],
)
def test_the_brokers_sentence(argument: str, said: str, told: str) -> None:
    """An operator reads which argument differs, what it is and what it should be."""
    start = f"PRECONDITION_FAILED - inequivalent arg '{argument}' for queue 'q' in vhost '/': "
    assert str(declare._named(QUEUE, start + said)) == f"queue q: {argument} {told}"


def test_another_sentence() -> None:
    """Should a broker word it otherwise, its words are shown whole."""
    difference = declare._named(Exchange(name="x", kind="topic"), "something else")
    assert str(difference) == "exchange x: arguments is something else, should be as declared"
