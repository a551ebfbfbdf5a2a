"""The page on dialects shows calls that work."""

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from daemon import dialects
from daemon.dialects import smsby
from daemon.mail.request.decode import Decoded
from daemon.mail.request.rules import Setting

README = Path(dialects.__file__).with_name("README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```json\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_call(example: str) -> None:
    """What stands in the README can be copied and is accepted as it is."""
    setting = Setting(now=datetime(2030, 6, 1, 12, tzinfo=UTC))
    answer = smsby.parse(orjson.loads(example), zone=ZoneInfo("Europe/Minsk"), setting=setting)
    assert isinstance(answer, Decoded), answer
    assert answer.notices == ()


def test_there_are_examples() -> None:
    """The page isn't empty."""
    assert EXAMPLES
