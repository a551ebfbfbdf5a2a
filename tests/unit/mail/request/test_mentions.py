"""What a request is told about the variables that it mentions."""

from datetime import UTC, datetime

import orjson
import pytest

from daemon.mail.refusal import Notice
from daemon.mail.request import decode, findings
from daemon.mail.request.parcel import Label
from daemon.mail.request.rules import Rules, Setting

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _told(*, text: str, items: list[dict], **more: object) -> tuple[Notice, ...]:
    body = {
        "v": 1,
        "command": "send",
        "audience": [{"type": "recipients", "items": items}],
        "messages": [
            {"subject": "Hi {{ name }}", "text": text, "from": {"address": "a@b.example"}}
        ],
        **more,
    }
    found = decode.native(
        orjson.dumps(body), Label(), Setting(now=NOW, urgent=False, rules=Rules())
    )
    assert isinstance(found, decode.Decoded), found
    return found.notices


def test_a_variable_that_nobody_brings_is_told() -> None:
    """A misspelt variable becomes nothing, and whoever sent it hears so (Q37)."""
    told = _told(text="{{ nme }} {{ city }}", items=[{"address": "x@y.example"}])
    assert {notice.field for notice in told} == {"messages[0].text"}
    assert ["nme" in notice.message for notice in told].count(True) == 1
    assert len(told) == 2


@pytest.mark.parametrize("text", ["{{ name }} {{ email }} {{ address }}", "plain", "{{ city }}"])
def test_what_somebody_brings_is_fine(text: str) -> None:
    """Built-in variables, and those that at least one recipient has, need no warning."""
    items = [{"address": "x@y.example"}, {"address": "z@y.example", "vars": {"city": "Minsk"}}]
    assert _told(text=text, items=items) == ()


def test_frames_may_still_bring_it() -> None:
    """Of an open job nothing is said: its recipients are still to come."""
    assert _told(text="{{ nme }}", items=[], open=True, request_id="one") == ()


def test_a_flood_of_variables_is_cut() -> None:
    """However many variables a hostile text mentions, the answer stays short."""
    text = "".join(f"{{{{ v{number} }}}}" for number in range(1_000))
    assert len(_told(text=text, items=[{"address": "x@y.example"}])) == findings.LIMIT
