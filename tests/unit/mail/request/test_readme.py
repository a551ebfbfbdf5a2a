"""The page that shows every command tells the truth."""

import re
from pathlib import Path

import orjson
import pytest

from daemon.mail import request
from daemon.mail.request.decode import Decoded
from daemon.mail.request.forms import FORMS

README = Path(request.__file__).with_name("README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```json\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_request(read, example: str) -> None:
    """What stands in the README can be copied and is accepted as it is."""
    answer = read(example.encode())
    assert isinstance(answer, Decoded), answer
    assert answer.notices == ()


def test_every_command_has_an_example() -> None:
    """No command is left without one."""
    assert {orjson.loads(example)["command"] for example in EXAMPLES} == set(FORMS)
