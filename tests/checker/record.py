"""The sink's record, read from its lines: one JSON object for each stored message."""

import json
from collections.abc import Iterator
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

from tests.checker.evidence import Copy


def copies(path: Path) -> list[Copy]:
    """Every stored message, in order; a line that is still being written is left out."""
    return [_copy(line) for line in lines(path) if line["kind"] == "stored"]


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole line of the record."""
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return map(json.loads, whole.splitlines())


def _copy(line: dict[str, Any]) -> Copy:
    return Copy(
        time=line["time"],
        came=line["came"],
        began=line["began"],
        connection=line["connection"],
        rcpt=tuple(line["rcpt"]),
        message_id=line["message_id"],
        sha256=line["sha256"],
        subject=str(make_header(decode_header(line["subject"]))),
        violations=line["violations"],
        helo=line["helo"],
    )
