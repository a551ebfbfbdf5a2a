"""The order of a stop: what each part is given of its time; and what parts are made of."""

import asyncio
from types import SimpleNamespace
from typing import Any

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


async def test_whoever_hangs_leaves_time_to_the_others() -> None:
    """Intake has half of a stop's time at most; at its first moment nothing more is claimed."""
    config: Any = SimpleNamespace(instance=SimpleNamespace(stop_deadline=1.0))
    health = SimpleNamespace(is_draining=False, report=lambda *_, **__: None, drain=lambda: None)
    house: Any = SimpleNamespace(
        loaded=SimpleNamespace(config=config),
        health=health,
        begun=asyncio.Event(),
        followers=[],
        numbers=engine.Numbers,
    )
    lease: Any = SimpleNamespace(draining=False)
    intake: Any = Intake()
    dispatch: Any = Dispatch()
    over = Stop(1.0)
    over.set()
    await engine._run(house, lease, over, engine._Parts(intake=intake, dispatch=dispatch))
    assert dispatch.order == ["claims no more", "stops"]
    assert 0.2 < dispatch.left <= 0.5


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
