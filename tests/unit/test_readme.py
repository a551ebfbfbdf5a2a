"""What the pages at the doors say can be copied and clicked."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import calling
from daemon.mail.request import decode
from daemon.mail.request.decode import Decoded
from daemon.mail.request.parcel import Label
from daemon.mail.request.rules import Rules, Setting

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
PROGRAM = TOP / "deploy" / "first_request.py"
PAGES = ("README.md", "daemon/README.md", "deploy/README.md", "deploy/docs/run.md")
SCREEN = 90
"""Lines that one sees without losing sight of the first."""


def blocks(language: str) -> list[str]:
    """The fenced blocks of the README in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def targets(page: str) -> Iterator[Path]:
    """What a page links to in this repository."""
    text = (TOP / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        yield (TOP / page).parent / target


def accepted(request: dict[str, Any]) -> bool:
    """Whether the daemon takes it for a request, with nothing to remark."""
    setting = Setting(now=datetime.now(UTC), urgent=False, rules=Rules())
    answer = decode.native(json.dumps(request).encode(), Label(), setting)
    return isinstance(answer, Decoded) and not answer.notices


def test_the_readme_shows_the_program_that_is_there() -> None:
    """The first request of the README is the program that the test of the demo runs."""
    [shown] = blocks("python")
    docstring, _, program = PROGRAM.read_text(encoding="utf-8").partition("\n\n")
    assert docstring.startswith('"""')
    assert shown == program


def test_the_first_request_is_one() -> None:
    """The request that the README's program publishes is accepted as it stands."""
    names: dict[str, Any] = {}
    for node in ast.parse(PROGRAM.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            exec(compile(ast.Module([node], []), "README.md", "exec"), names)
    assert accepted(names["REQUEST"])


def test_the_request_by_rabbitmqadmin_is_one() -> None:
    """The payload that the README publishes by `rabbitmqadmin` is accepted as it stands."""
    [payload] = re.findall(r"payload='(.*?)'", README, re.DOTALL)
    assert accepted(json.loads(payload))


def test_the_way_to_a_first_mail_can_be_typed() -> None:
    """Every command of ours on the page that leads from a checkout to a mail is one."""
    page = (TOP / "deploy/docs/run.md").read_text(encoding="utf-8")
    lines = re.findall(r"^deliveryd ([^#&\n]+)", page, re.MULTILINE)
    typed = [shlex.split(line) for line in lines if not line.startswith("sink")]
    assert [words[0] for words in typed] == [
        "check-config", "migrate", "topology", "serve", "send", "trace",
    ]  # fmt: skip
    for words in typed:
        calling.app(words).parse_args(words, exit_on_error=False, print_error=False)


def test_the_readme_is_one_screen() -> None:
    """The README can be taken in at a glance."""
    assert len(README.splitlines()) <= SCREEN


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    """What a page links to is in the repository."""
    assert [str(target) for target in targets(page) if not target.exists()] == []
