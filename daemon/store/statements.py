"""The statements of `sql/*.sql` by name.

A statement starts at `-- name: subject.verb`, followed by at least one comment line that says what
it does, and ends at the next name or at the file's end. Names are unique over all files.
"""

import re
from functools import cache
from importlib import resources
from types import MappingProxyType

_NAME = re.compile(r"^-- name: ([a-z_]+\.[a-z_]+)$", re.MULTILINE)


def _read(text: str) -> dict[str, str]:
    marks = list(_NAME.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return {mark[1]: text[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)}


@cache
def everything() -> MappingProxyType[str, str]:
    """Every statement by its name; a name that is given twice is a `ValueError`."""
    found: dict[str, str] = {}
    folder = resources.files("daemon.store") / "sql"
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        for name, text in _read(file.read_text(encoding="utf-8")).items():
            if name in found:
                raise ValueError(f"statement {name} is there twice")
            found[name] = text
    return MappingProxyType(found)


def text(name: str) -> str:
    """The text of one statement."""
    return everything()[name]
