"""A reload is all or nothing, whatever goes wrong."""

from types import SimpleNamespace
from typing import Any

import pytest

from daemon.config import Config, Loaded
from daemon.config.sections import Log
from daemon.process import reload
from daemon.store import errors


@pytest.mark.parametrize("error", [errors.Unavailable("away"), ValueError("too large")])
async def test_what_the_database_does_not_take(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """What was in force stays so, nobody hears of another, and the next reload may succeed."""
    told: list[Config] = []
    old = Loaded(config=Config(), origins={})
    fresh = Loaded(config=Config(log=Log(delivery_sample=0.5)), origins={})
    house: Any = SimpleNamespace(loaded=old, key=b"key", followers=[told.append])

    async def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(reload.arrival, "load", failing)
    assert "the database" in (await reload._reloaded(house, lambda: fresh))[0]
    assert house.loaded is old
    assert told == []

    async def done(*_: object) -> None:
        """It takes it."""

    monkeypatch.setattr(reload.arrival, "load", done)
    assert await reload._reloaded(house, lambda: fresh) == []
    assert [config.log.delivery_sample for config in told] == [0.5]
