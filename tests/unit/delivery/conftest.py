"""The courier on lines that a test has laid, instead of connections."""

from collections.abc import Callable

import pytest

from tests.unit.delivery.scripted import Line, laid


@pytest.fixture
def lay(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Line]]:
    """Has the nth connection of any courier be the line made for n (from 0), None: refused."""

    def lay(make: Callable[[int], Line | None], *, pipelining: bool = True) -> list[Line]:
        return laid(monkeypatch, make, pipelining=pipelining)

    return lay
