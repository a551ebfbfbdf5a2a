"""On which line a key of a TOML text stands. The parser doesn't say, so this reads the text again.

A scan of table headers and of what stands before `=`: enough for a text that has been parsed, where
it can only be wrong within a multi-line string that looks like keys.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from daemon.config.flaw import Key

_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_HEADER = re.compile(rf"\s*\[(?P<list>\[)?\s*(?P<name>{_DOTTED})\s*\]")
_ENTRY = re.compile(rf"\s*(?P<name>{_DOTTED})\s*=")


def index(text: str) -> dict[Key, int]:
    """The line, from 1, of every table and key; the first, when one is found twice."""
    found: dict[Key, int] = {}
    seen: Counter[Key] = Counter()
    table: Key = ()
    for number, line in enumerate(text.split("\n"), 1):
        if header := _HEADER.match(line):
            table = _split(header["name"])
            if header["list"]:
                seen[table] += 1
                table = (*table, seen[table] - 1)
            found.setdefault(table, number)
        elif entry := _ENTRY.match(line):
            found.setdefault(table + _split(entry["name"]), number)
    return found


def nearest(found: Mapping[Key, int], key: Key) -> int | None:
    """The line of the key, else of the closest thing around it that has one."""
    while key and key not in found:
        key = key[:-1]
    return found.get(key)


def of_error(error: tomllib.TOMLDecodeError, text: str) -> int:
    """The line that the parser stumbled over."""
    said = re.search(r"at line (\d+)", str(error))
    return int(said[1]) if said else text.rstrip("\n").count("\n") + 1


def _split(name: str) -> Key:
    """The parts of a dotted name, quotes undone by the parser itself."""
    parts: list[str] = []
    node: Any = tomllib.loads(f"{name} = 0")
    while isinstance(node, dict):
        ((part, node),) = node.items()
        parts.append(part)
    return tuple(parts)
