"""Requests as a producer writes them: plain dicts, nothing of the daemon's."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

FROM = "shop@sender.test"


def send(to: Iterable[str | Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """A send to addresses or whole recipients; `more` are its other fields."""
    items = [{"address": one} if isinstance(one, str) else dict(one) for one in to]
    return {
        "v": 1,
        "command": "send",
        "request_id": uuid.uuid4().hex,
        "audience": [{"type": "recipients", "items": items}],
        "messages": [{"subject": "Hello {{ name }}", "text": "It is on its way.",
                      "from": {"address": FROM}}],
        **more,
    }  # fmt: skip


def people(number: int, *, words: str = "", domain: str = "there.test") -> list[dict[str, Any]]:
    """So many recipients with a name each; `words` at the front have the sink misbehave."""
    return [
        {"address": f"{words}p{place}@{domain}", "name": f"Person {place}"}
        for place in range(number)
    ]


def command(name: str, **fields: Any) -> dict[str, Any]:
    """Any other command."""
    return {"v": 1, "command": name, **fields}


def later(seconds: float) -> str:
    """An instant so far from now, as requests write it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def moment(written: str) -> float:
    """The same instant as Unix seconds."""
    return datetime.fromisoformat(written).timestamp()
