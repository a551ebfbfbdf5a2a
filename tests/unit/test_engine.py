"""The order of a stop: what each part is given of its time; and what parts are made of."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from daemon import engine
from daemon.compose import plan as plans
from daemon.compose.plan import Draft, Plan
from daemon.config import Config, check
from daemon.stop import Stop

NAMES = st.text(st.sampled_from("ab.-_[]:1 \n\u00fc"), max_size=5)


class Intake:
    """One that can't end in time."""

    def reload(self, _: object) -> None:
        """Nothing to take over."""

    async def run(self, _: Stop) -> None:
        """For ever."""
        await asyncio.Event().wait()


class Dispatch:
    """One that only looks at how much time it is given."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.left = 0.0
        self.claimer = SimpleNamespace(stand_down=lambda: self.order.append("claims no more"))

    def reload(self, _: object) -> None:
        """Nothing to take over."""

    async def run(self, stop: Stop) -> None:
        """Until it is time."""
        await stop.wait()
        self.order.append("stops")
        self.left = stop.left()


@pytest.mark.parametrize("is_lost", [False, True])
async def test_whoever_hangs_leaves_time_to_the_others(*, is_lost: bool) -> None:
    """Intake has half of a stop's time at most; at its first moment nothing more is claimed.

    That it is about to stop is said of the process, and not of a life that ends with its lease.
    """
    config: Any = SimpleNamespace(instance=SimpleNamespace(stop_deadline=1.0))
    drained: list[bool] = []
    health = SimpleNamespace(report=lambda *_, **__: None, drain=lambda: drained.append(True))
    house: Any = SimpleNamespace(
        loaded=SimpleNamespace(config=config),
        health=health,
        begun=asyncio.Event(),
        followers=[],
        numbers=engine.Numbers,
    )
    lease: Any = SimpleNamespace(draining=False, lost=asyncio.Event())
    if is_lost:
        lease.lost.set()
    intake: Any = Intake()
    dispatch: Any = Dispatch()
    over = Stop(1.0)
    over.set()
    await engine._run(house, lease, over, engine._Parts(intake=intake, dispatch=dispatch))
    assert dispatch.order == ["claims no more", "stops"]
    assert 0.2 < dispatch.left <= 0.5
    assert drained == [] if is_lost else [True]


def test_a_broker_away_is_explained_once() -> None:
    """What waits for it says so, and no more; a broker that is there is quoted where it matters."""
    away: Any = SimpleNamespace(is_up=False)
    there: Any = SimpleNamespace(is_up=True)
    assert engine._by_way_of(away, "320 CONNECTION_FORCED") == "waits for rabbitmq"
    assert engine._by_way_of(there, "NOT_FOUND - no queue") == "NOT_FOUND - no queue"
    assert engine._by_way_of(away, "") == ""


@given(
    host=NAMES,
    hostname=NAMES,
    domain=NAMES,
    tls=st.sampled_from(["none", "starttls", "implicit"]),
    verify=st.booleans(),
    login=st.sampled_from(["", "me"]),
)
def test_what_is_accepted_can_be_used(
    host: str, hostname: str, domain: str, tls: str, verify: bool, login: str
) -> None:
    """No configuration that is taken, at a start or at a reload, ends a part that works by it."""
    way_out = {"id": 1, "customer": 1, "name": "x", "host": host, "tls": tls, "verify": verify}
    written = {
        "delivery": {"hostname": hostname, "message_domain": domain},
        "customer": [{"id": 1, "name": "x"}],
        "transport": [{**way_out, "username": login, "password": login}],
    }
    try:
        config = Config.model_validate(written)
    except ValidationError:
        return
    if list(check.problems(config)):
        return
    (transport,), delivery = config.transport, config.delivery
    relay = engine.relay_of(delivery, transport, host=transport.host, port=transport.port)
    assert not relay.username or relay.may_authenticate
    ends_in = delivery.message_domain or delivery.hostname
    draft = Draft(from_address="a@b.example", subject="s", text="t")
    assert isinstance(plans.plan(draft, message_domain=ends_in, seed=b""), Plan)
