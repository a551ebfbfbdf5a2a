"""How long anybody waits before it is looked again whether a broken world is whole.

Stories show that work resumes; machines are busy, so it is here that it does so in time.
"""

import itertools
import random

import pytest

from daemon import app
from daemon.broker import connection, consumer
from daemon.config.sections import Dispatch
from daemon.delivery import connect
from daemon.dispatch import crew, ease, part, rescue, returns, settler
from daemon.dispatch import upkeep as ceilings
from daemon.intake import desk, late
from daemon.ledger import teller

PROMISED = 5.0
"""Seconds from a cure until work goes on."""
POLL = Dispatch().poll
LINK = max(itertools.islice(connection.pauses(random.Random(1)), 1000))
CHAINS = {
    "rabbitmq: parcels": [LINK, consumer.PAUSE],
    "rabbitmq: events": [LINK, teller._PAUSE],
    "rabbitmq: dead letters": [LINK, desk.LONGEST_PAUSE],
    "rabbitmq: late answers": [LINK, late._PAUSE],
    "postgres: the start": [LINK],
    "postgres: a life": [app._PAUSE, rescue.PAUSE, POLL],
    "postgres: accept": [desk.LONGEST_PAUSE],
    "postgres: due mail": [part._REFRESH_EVERY, POLL, crew._TROUBLE, crew._GRANT_EVERY],
    "postgres: outcomes": [settler._PAUSE, returns._PAUSE],
    "postgres: events": [teller._PAUSE],
    "a ceiling": [ceilings._CEILINGS_EVERY, POLL],
    "a relay: refuses": [ease.LONGEST_REST, POLL],
    "a relay: swallows": [connect.ANEW / 2],
}
"""What may follow one on another after each cure, from the constants that the parts wait by."""


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_cure_is_seen_in_time(chain: list[float]) -> None:
    """Between a cure and the next look at it there is less than what is promised."""
    assert sum(chain) < PROMISED
