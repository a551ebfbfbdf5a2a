"""Where settings come from: TOML files, the environment, the command line."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from daemon.config import lines, schema
from daemon.config.flaw import Flaw, Key, Origin

PREFIX = "DELIVERYD_"

OTHER_NAMES = frozenset(
    {"DELIVERYD_CONFIG", "DELIVERYD_CRASH", "DELIVERYD_PROCESS"}
    | {"DELIVERYD_GROUND", "DELIVERYD_STATE"}
)
"""Ours, but no keys: which file to read, crash points, which of several processes we are, and two
names of `deploy/servers`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value as it was written."""

    key: Key
    value: object
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A TOML file that could be read."""

    path: Path
    content: Mapping[str, object]
    lines: Mapping[Key, int]

    def origin(self, key: Key) -> Origin:
        """Where in the file the key stands."""
        return Origin(source=str(self.path), line=lines.nearest(self.lines, key))


def locate(environ: Mapping[str, str], *places: Path) -> Path | None:
    """The file that $DELIVERYD_CONFIG names, else the first of the places that is there."""
    if named := environ.get("DELIVERYD_CONFIG"):
        return Path(named)
    return next((place for place in places if place.is_file()), None)


def drop_ins(path: Path) -> list[Path]:
    """The files of `conf.d` beside the file, by name."""
    return sorted((path.parent / "conf.d").glob("*.toml"))


def read(path: Path) -> File | Flaw:
    """A file's content. An empty one is a flaw: somebody was about to write it."""
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        return _broken(path, f"can't be read: {error.strerror}")
    except UnicodeDecodeError:
        return _broken(path, "is not UTF-8")
    except tomllib.TOMLDecodeError as error:
        said, _, _ = str(error).rpartition(" (at ")
        return _broken(path, f"is not TOML: {said or error}", lines.of_error(error, text))
    if not text.strip():
        return _broken(path, "is empty")
    return File(path=path, content=content, lines=lines.index(text))


def leaves(value: object, key: Key = ()) -> Iterator[tuple[Key, object]]:
    """The values within nested tables and lists of tables, each with its path."""
    if isinstance(value, dict) and value:
        for name, below in value.items():
            yield from leaves(below, (*key, name))
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for position, below in enumerate(value):
            yield from leaves(below, (*key, position))
    elif key:
        yield key, value


def from_environment(environ: Mapping[str, str]) -> Iterator[Setting | Flaw]:
    """`DELIVERYD_SECTION__KEY`, and `DELIVERYD_SECTION__KEY_FILE` for a value in a file."""
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in OTHER_NAMES:
            key = _key(name)
            if name.endswith("_FILE") and schema.field_at(_names(key)) is None:
                yield _pointed_at(name, environ)
            else:
                yield _spoken(key, environ[name], Origin(source=f"environment {name}"))


def from_command_line(overrides: Mapping[str, str]) -> Iterator[Setting | Flaw]:
    """`section.key` → value."""
    for name, text in overrides.items():
        yield _spoken(tuple(name.split(".")), text, Origin(source="command line"))


def _key(name: str) -> Key:
    return tuple(name.removeprefix(PREFIX).lower().split("__"))


def _names(key: Key) -> Key:
    """Without the id that stands for a place in a list, as in `transport.1.port`."""
    return tuple(part for part in key if isinstance(part, str) and not part.isdecimal())


def _pointed_at(name: str, environ: Mapping[str, str]) -> Setting | Flaw:
    """The value in the file that a `…_FILE` variable names; a secret is left to be looked up."""
    origin = Origin(source=f"environment {name}")
    plain, path = name.removesuffix("_FILE"), environ[name]
    key = _key(plain)
    if plain in environ:
        return _flaw(origin, key, f"is set by {plain} too; only one of them can count")
    if schema.is_secret(_names(key)):
        return Setting(key=key, value=f"file:{path}", origin=origin)
    try:
        return _spoken(key, Path(path).read_text(encoding="utf-8").rstrip("\r\n"), origin)
    except (OSError, UnicodeDecodeError) as error:
        why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "not UTF-8"
        return _flaw(origin, key, f"names the file {path}, which can't be read: {why}")


def _spoken(key: Key, text: str, origin: Origin) -> Setting | Flaw:
    """A value given as text: lists and tables as TOML, everything else as it is."""
    if not schema.is_collection(_names(key)):
        return Setting(key=key, value=text, origin=origin)
    try:
        return Setting(key=key, value=tomllib.loads(f"value = {text}")["value"], origin=origin)
    except tomllib.TOMLDecodeError:
        return _flaw(origin, key, 'must be written as in TOML, such as ["a", "b"] or {a = 1}')


def _flaw(origin: Origin, key: Key, message: str) -> Flaw:
    dotted = ".".join(str(part) for part in key)
    return Flaw(file=origin.source, line=origin.line, key=dotted, message=message)


def _broken(path: Path, message: str, line: int | None = None) -> Flaw:
    return Flaw(file=str(path), line=line, key="", message=message)
