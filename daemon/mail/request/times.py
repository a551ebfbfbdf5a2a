"""Local times: which instant somebody means who writes a date, a time and a zone (Q15)."""

import re
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Strict

from daemon.mail import texts, window
from daemon.mail.refusal import Code
from daemon.mail.request.recipients import Reading

_LOCAL = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d)?", re.ASCII)


def resolve(delivery: object, reading: Reading) -> None:
    """Turns a `not_before` without offset into an instant; what was written is kept beside it."""
    if not isinstance(delivery, dict):
        return
    if not _is_local(delivery.get("not_before")):
        if "timezone" in delivery:
            advice = "must stand beside a `not_before` without offset, or not at all"
            reading.findings.invalid(advice, "delivery", "timezone")
        return
    place = ("delivery", "not_before")
    if "timezone" not in delivery:
        advice = "must have an offset, or a `timezone` beside it"
        reading.findings.add(Code.PARAM_INVALID, place, advice)
        del delivery["not_before"]
        return
    written, moment = delivery["not_before"], _instant(delivery)
    if moment is None:
        reading.findings.add(Code.PARAM_INVALID, place, "must be a date and time that exist")
        del delivery["not_before"]
    else:
        delivery["not_before"] = moment.isoformat()
        delivery.setdefault("not_before_raw", written)


def _is_local(written: object) -> bool:
    return isinstance(written, str) and _LOCAL.fullmatch(written) is not None


def _instant(delivery: dict[str, Any]) -> datetime | None:
    """None when there is no such date; a zone that is none is found by its own field."""
    try:
        name = texts.zone(delivery["timezone"])
    except (ValueError, TypeError):
        name = "UTC"
    try:
        return window.instant(
            datetime.fromisoformat(delivery["not_before"].upper()), ZoneInfo(name)
        )
    except (ValueError, OverflowError):
        return None


Zone = Annotated[str, Strict(), AfterValidator(texts.zone)]
