"""The copies that the development server has taken, read from its record while it grows."""

import asyncio
import base64
import email
import email.policy
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

PACE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One mail as one address has received it."""

    at: float
    """Unix time at which the server took it."""
    address: str
    content: bytes

    @property
    def mail(self) -> EmailMessage:
        """The mail, parsed."""
        return email.message_from_bytes(self.content, policy=email.policy.default)


def visible(part: EmailMessage) -> str:
    """What a reader sees of a part: its text, of HTML without the tags."""
    content = str(part.get_content()).replace("\r\n", "\n")
    if part.get_content_subtype() != "html":
        return content
    reader = _Reader()
    reader.feed(content)
    reader.close()
    return "".join(reader.text)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)


async def copies(record: Path) -> AsyncIterator[Copy]:
    """The copies as they come, for ever."""
    with record.open("rb") as file:
        while True:
            for line in file:
                for copy in _read(line):
                    yield copy
            await asyncio.sleep(PACE)


def _read(line: bytes) -> list[Copy]:
    """One copy per envelope recipient; none of a line about a refusal."""
    fields = json.loads(line)
    if fields["kind"] != "stored":
        return []
    content = base64.b64decode(fields["content"])
    return [Copy(at=fields["time"], address=one, content=content) for one in fields["rcpt"]]
