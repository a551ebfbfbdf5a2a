"""The dumps of `smtp-sink`, one file for each mail: who brought what for whom, and the mail."""

import email.policy
import hashlib
import re
from collections.abc import Sequence
from email.parser import BytesHeaderParser
from pathlib import Path

from tests.checker.evidence import Copy

_RECEIVED = re.compile(rb"^Received: .*\n(?:\t.*\n)*", re.MULTILINE)
"""The sink's own header; what follows it is the mail as it came."""
_PARSER = BytesHeaderParser(policy=email.policy.default)


def flags(folder: Path) -> Sequence[str]:
    """What the sink is told so that it dumps each mail into a folder."""
    return ("-d", f"{folder}/")


def copies(folder: Path) -> list[Copy]:
    """Every mail in a folder."""
    return [_copy(path) for path in folder.iterdir()]


def _copy(path: Path) -> Copy:
    dumped = path.read_bytes()
    received = _RECEIVED.search(dumped)
    assert received, f"{path.name} is no dump of smtp-sink"
    mail = dumped[received.end() :]
    headers, said = _PARSER.parsebytes(mail), _PARSER.parsebytes(dumped[: received.start()])
    # the sink notes no instant; the file was made for the mail and is never touched again
    at = path.stat().st_mtime
    return Copy(
        time=at,
        came=at,
        began=at,
        connection=0,
        rcpt=tuple(one.strip("<>") for one in said.get_all("X-Rcpt-Args", [])),
        message_id=str(headers["Message-ID"]),
        sha256=hashlib.sha256(mail).hexdigest(),
        subject=str(headers["Subject"]),
        violations={},
        helo=str(said["X-Helo-Args"]),
    )
