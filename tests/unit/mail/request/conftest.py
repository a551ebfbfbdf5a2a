"""A send request to alter, and its reading at a fixed time."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from daemon.mail.refusal import NotARequest, Refused
from daemon.mail.request import decode
from daemon.mail.request.decode import Decoded
from daemon.mail.request.parcel import Label
from daemon.mail.request.rules import Rules, Setting

Read = Callable[..., Decoded | Refused | NotARequest]

NOW = datetime(2030, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def read() -> Read:
    """Decodes a document or a body under the default rules."""

    def decoded(
        asked: dict[str, Any] | bytes,
        *,
        urgent: bool = False,
        label: Label | None = None,
        **rules: Any,
    ) -> Decoded | Refused | NotARequest:
        body = asked if isinstance(asked, bytes) else orjson.dumps(asked)
        setting = Setting(now=NOW, urgent=urgent, rules=Rules(**rules))
        return decode.native(body, label or Label(), setting)

    return decoded


@pytest.fixture
def letter() -> dict[str, Any]:
    """The least that a send must say."""
    return {
        "v": 1,
        "command": "send",
        "audience": [{"type": "recipients", "items": [{"address": "ann@example.com"}]}],
        "messages": [{"subject": "s", "text": "t"}],
    }


@pytest.fixture
def faults(read: Read) -> Callable[..., set[tuple[str, str]]]:
    """The (code, field) pairs with which a document is refused; empty when it isn't."""

    def found(asked: dict[str, Any] | bytes, **settings: Any) -> set[tuple[str, str]]:
        answer = read(asked, **settings)
        assert not isinstance(answer, NotARequest), answer
        if isinstance(answer, Decoded):
            return set()
        return {(str(fault.code), fault.field) for fault in answer.faults}

    return found
