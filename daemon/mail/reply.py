"""What a server said: a reply of RFC 5321, its enhanced status code (RFC 3463), and its class.

The text comes from a stranger: `parse` takes control characters out and cuts it short, so that it
can be stored, logged and published as it is.
"""

import re
from dataclasses import dataclass

TEXT_LIMIT = 500
"""Characters of a reply that are kept."""

_POSITIVE, _INTERMEDIATE, _TRANSIENT, _PERMANENT = 2, 3, 4, 5
_CLOSING = 421

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One whole reply, its lines joined."""

    code: int
    """The three digits, 200 to 559."""
    enhanced: str | None = None
    """Class.subject.detail, when the server gave one."""
    text: str = ""
    """The human's part, without code and enhanced code; clean and at most `TEXT_LIMIT` long."""

    @property
    def is_positive(self) -> bool:
        """2xx: the command was carried out."""
        return self.code // 100 == _POSITIVE

    @property
    def is_intermediate(self) -> bool:
        """3xx: the server waits for more (354 after DATA)."""
        return self.code // 100 == _INTERMEDIATE

    @property
    def is_transient(self) -> bool:
        """4xx: not now."""
        return self.code // 100 == _TRANSIENT

    @property
    def is_permanent(self) -> bool:
        """5xx: not ever."""
        return self.code // 100 == _PERMANENT

    @property
    def closes(self) -> bool:
        """421: the server is about to close the connection (RFC 5321 3.8)."""
        return self.code == _CLOSING

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


def clean(text: str) -> str:
    """Strange text made fit to keep: no controls, no lone surrogates; `…` says that it was cut."""
    text = _CONTROL.sub(" ", text).strip()
    return text if len(text) <= TEXT_LIMIT else f"{text[: TEXT_LIMIT - 1]}…"


def parse(code: int, lines: list[str]) -> Reply:
    """A reply from its code and its lines without code; a repeated enhanced code is taken once."""
    enhanced: str | None = None
    texts = []
    for line in lines:
        found = _ENHANCED.match(line)
        if found and int(found[1]) == code // 100:
            enhanced = enhanced or ".".join(found.groups())
            texts.append(line[found.end() :])
        else:
            texts.append(line)
    return Reply(code=code, enhanced=enhanced, text=clean(" ".join(texts)))
