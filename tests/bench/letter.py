"""What is asked for: a letter of 4 KiB in two parts with three merge fields, and those who get it.

Bodies are made before the clock runs, as octets.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

FRAME = 1000
"""Recipients in one frame of a campaign; the daemon takes up to 5,000."""
_LINE = "This line is as long as lines of mail are, and says nothing at all.\n"
_TEXT = "Dear {{ name }},\n\nyour {{ plan }} plan ends in {{ city }}.\n\n" + _LINE * 18
_HTML = (
    "<p>Dear {{ name }},</p>\n<p>your {{ plan }} plan ends in {{ city }}.</p>\n"
    + f"<p>{_LINE}</p>\n" * 28
)
_PLANS = ("small", "medium", "large")
_CITIES = ("Minsk", "Bremen", "Porto", "Oslo", "Lyon")


def content() -> dict[str, Any]:
    """The message of a send."""
    sender = {"address": "news@sender.test", "name": "The News"}
    return {
        "subject": "News for {{ name }} in {{ city }}",
        "text": _TEXT,
        "html": f"<html><body>\n{_HTML}</body></html>\n",
        "from": sender,
    }


def recipient(number: int, word: str = "p") -> dict[str, Any]:
    """Somebody with what fills the letter's slots; domains as mixed as a newsletter's."""
    return {
        "address": f"{word}{number}@d{number % 500}.there.test",
        "name": f"Person {number}",
        "vars": {"plan": _PLANS[number % 3], "city": _CITIES[number % 5]},
    }


def campaign(recipients: int, **more: Any) -> Iterator[dict[str, Any]]:
    """An open send, its frames, and what closes it."""
    key = uuid.uuid4().hex
    yield _send([], request_id=key, open=True, **{"class": "bulk"}, **more)
    frames = range(0, recipients, FRAME)
    for frame, first in enumerate(frames, start=1):
        items = [recipient(one) for one in range(first, min(first + FRAME, recipients))]
        yield _command("extend", request_id=key, frame=frame, items=items)
    yield _command("close", request_id=key, frames=len(frames))


def listed(_: int) -> Iterator[dict[str, Any]]:
    """A send to list 1 of the asker, however many are in it."""
    audience = [{"type": "list", "id": 1}]
    fields = {"request_id": uuid.uuid4().hex, "class": "bulk"}
    yield _command("send", audience=audience, messages=[content()], **fields)


def requests(number: int, word: str = "p", *, is_short: bool = False) -> Iterator[dict[str, Any]]:
    """So many sends to one recipient each, every one a job of its own; short ones have no HTML."""
    for one in range(number):
        body = _send([recipient(one, word)], request_id=uuid.uuid4().hex)
        if is_short:
            body["messages"] = [
                content() | {"text": "Dear {{ name }},\n\nit is done.\n", "html": None}
            ]
        yield body


def everyone(**more: Any) -> dict[str, Any]:
    """A send to all people below the asker, tomorrow unless told otherwise."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    fields = {"request_id": uuid.uuid4().hex, "delivery": {"not_before": tomorrow}, **more}
    audience = [{"type": "people", "scope": "descendants"}]
    return _command("send", audience=audience, messages=[content()], **fields)


def encoded(body: Mapping[str, Any]) -> bytes:
    """As it is published."""
    return json.dumps(body, separators=(",", ":")).encode()


def _send(items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    audience = [{"type": "recipients", "items": items}]
    return _command("send", audience=audience, messages=[content()], **more)


def _command(name: str, **fields: Any) -> dict[str, Any]:
    return {"v": 1, "command": name, **fields}
