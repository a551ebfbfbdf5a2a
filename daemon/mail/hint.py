"""How long a server asks us to wait, read from the text of its reply.

No standard says where to put it; greylisting servers write it for people: "try again in 300
seconds", "come back in 00:05:00", "Greylisted for 5 minutes". Only such a sentence counts, any
other number in the text (a queue id, a limit, an address) doesn't.
"""

import re

from daemon.mail.reply import Reply

_LEAD = r"\b(?:in|after|for|wait|within|least)\s+(?:about\s+|another\s+|at\s+least\s+)?"
_COUNTED = re.compile(
    _LEAD + r"(\d{1,6})\s*(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b", re.IGNORECASE
)
_CLOCK = re.compile(_LEAD + r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?![\d:])", re.IGNORECASE)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def retry_after(reply: Reply) -> float | None:
    """Seconds that a transient reply asks us to wait, or None; the caller bounds it.

    Of a clock with two fields the first is minutes: servers count down from five of them.
    """
    if not reply.is_transient:
        return None
    if counted := _COUNTED.search(reply.text):
        return float(counted[1]) * _SECONDS[counted[2][0].lower()]
    if clock := _CLOCK.search(reply.text):
        first, second, third = clock.groups()
        if third is None:
            return int(first) * 60.0 + int(second)
        return int(first) * 3600.0 + int(second) * 60.0 + int(third)
    return None
