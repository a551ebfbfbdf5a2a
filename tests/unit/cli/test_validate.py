"""`deliveryd validate`: what is said of a request that nobody asks for."""

import json
from pathlib import Path

import pytest

from daemon.cli import main
from daemon.cli.exits import Exit

ANN = {"type": "recipients", "items": [{"address": "ann@example.com"}]}
BILLING = {"type": "billing", "scope": "descendants"}


@pytest.mark.parametrize(
    ("audience", "said"),
    [
        ([ANN], "valid: send to 1 recipient\n"),
        ([BILLING], "valid: send to 1 term of the directory\n"),
        ([ANN, BILLING, BILLING], "valid: send to 1 recipient and 2 terms of the directory\n"),
    ],
)
def test_whom_it_is_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], audience: list[object], said: str
) -> None:
    """Who is named is counted; whom the directory means isn't looked up, nor called nobody."""
    file = tmp_path / "request.json"
    letter = {"subject": "Hello", "text": "It works."}
    body = {"v": 1, "command": "send", "audience": audience, "messages": [letter]}
    file.write_text(json.dumps(body))
    assert main.run(["validate", str(file)]) == Exit.OK
    assert capsys.readouterr().out == said
