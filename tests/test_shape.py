"""The shape of the house, as law: sizes, names, docstrings, SQL, and what no commit may name."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from daemon.store import schema, statements

TOP = Path(__file__).parent.parent
CODE = sorted((TOP / "daemon").rglob("*.py"))
TESTS = sorted((TOP / "tests").rglob("*.py"))
LONGEST = 350
BANNED = re.compile(
    r"(^|_)(utils?|helpers?|common|core|base|misc|managers?|handlers?|processors?)(_|$)"
)
FOREIGN = {"handler", "handle", "set_exception_handler"}
"""Words of aiohttp's and the standard library's own, where they must be spelled so."""
ALLOWED_TOP = {
    "pyproject.toml",
    "README.md",
    "daemon",
    "tests",
    "deploy",
    "config.toml",
    "uv.lock",
    "LICENSE",
}


def _relative(path: Path) -> str:
    return str(path.relative_to(TOP))


@pytest.mark.parametrize("path", CODE, ids=_relative)
def test_files_are_of_a_size_to_hold_in_the_head(path: Path) -> None:
    """No file of the daemon is longer than 350 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", [*CODE, *TESTS], ids=_relative)
def test_every_file_says_what_it_holds(path: Path) -> None:
    """Every file opens with a docstring."""
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "no docstring"


@pytest.mark.parametrize("path", CODE, ids=_relative)
def test_names_mean_something(path: Path) -> None:
    """No file, class or function is called a helper, a manager or the like."""
    names = [path.stem, path.parent.name]
    names += [
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.name).lower()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    assert [
        name
        for name in names
        if BANNED.search(name) and name not in FOREIGN and not name.startswith("__")
    ] == []


@pytest.mark.parametrize("path", CODE, ids=_relative)
def test_nothing_is_left_for_later(path: Path) -> None:
    """No file says that it is unfinished."""
    assert not re.search(r"TODO|FIXME|XXX|NotImplementedError", path.read_text(encoding="utf-8"))


def test_no_group_is_possessive() -> None:
    """Python before 3.11.5, so Debian's too, goes on behind a piece that a `(…)*+` couldn't match.

    What it can do is `(?>(?:…)*)`; possessive single characters are sound (CPython issue 106052).
    """
    possessive = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+(?![ \d])")
    assert not [
        f"{_relative(path)}: {line.strip()}"
        for path in CODE
        for line in path.read_text(encoding="utf-8").splitlines()
        if possessive.search(line)
    ]


def test_every_step_of_the_schema_has_a_number_of_its_own() -> None:
    """Two who write a migration at the same time hear of it before it is applied anywhere."""
    numbers = [step.number for step in schema.steps()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_statement_is_used() -> None:
    """A statement that nobody runs is taken out."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in CODE)
    assert [name for name in statements.everything() if f'"{name}"' not in code] == []


def test_every_statement_says_what_it_does() -> None:
    """A statement opens with a sentence."""
    silent = [
        name for name, text in statements.everything().items() if not re.match(r"-- [A-Z]", text)
    ]
    assert silent == []


def test_every_metric_is_filled() -> None:
    """A metric is named only if some part of the daemon fills it: a zero is never a lie."""
    tree = ast.parse((TOP / "daemon/metrics.py").read_text(encoding="utf-8"))
    named = {
        node.targets[0].id
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id.startswith(("_counter", "_gauge", "_histogram"))
    }
    code = "\n".join(path.read_text(encoding="utf-8") for path in CODE)
    assert named
    assert sorted(name for name in named if f"metrics.{name}" not in code) == []


def test_the_top_is_what_its_owner_fixed() -> None:
    """Nothing stands at the top beside what was agreed."""
    ignored = set((TOP / ".gitignore").read_text(encoding="utf-8").replace("/", "").split())
    top = {path.name for path in TOP.iterdir()} - ignored
    assert {name for name in top if not name.startswith(".")} <= ALLOWED_TOP


def test_the_name_daemon_is_ours() -> None:
    """The PyPI package python-daemon, whose import name is ours, never enters the lock."""
    lock = tomllib.loads((TOP / "uv.lock").read_text(encoding="utf-8"))
    assert "python-daemon" not in {package["name"] for package in lock["package"]}
