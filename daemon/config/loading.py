"""From files, environment and command line to one checked configuration, or to all its flaws.

Precedence: default < file < `conf.d/*.toml` < environment < command line. Within a table each key
is taken by itself; rows (`[[transport]]`) of later files come behind those of earlier ones.
The environment and the command line name a row by its id: `transport.1.port=2525`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from daemon.config import check, schema, sources
from daemon.config.flaw import ConfigError, Flaw, Key, Origin, dotted
from daemon.config.sections import Config

_MESSAGES = {
    "missing": "is required",
    "model_type": "must be a table",
    "tuple_type": "must be a list; a list of tables is written [[name]]",
    "dict_type": "must be a table",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration that can be used."""

    config: Config
    origins: Mapping[str, Origin]
    """Of every value that was set, by its key as `flat` writes it."""


def load(
    path: Path | None, *, environ: Mapping[str, str], overrides: Mapping[str, str] | None = None
) -> Loaded:
    """All or nothing; `ConfigError` holds every flaw. Without a path: defaults and environment."""
    draft = _Draft(str(path or "configuration"))
    draft.take_files([] if path is None else [path, *sources.drop_ins(path)])
    for setting in (
        *sources.from_environment(environ),
        *sources.from_command_line(overrides or {}),
    ):
        draft.take(setting)
    config = draft.validated(environ)
    origins = {_public(key, config): origin for key, origin in draft.leaves.items()}
    return Loaded(config=config, origins=origins)


class _Draft:
    """The settings taken so far, later ones over earlier ones, and what was wrong with them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tree: dict[str | int, Any] = {}
        self._tables: dict[Key, Origin] = {}
        self._flaws: list[Flaw] = []
        self.leaves: dict[Key, Origin] = {}

    def take_files(self, paths: list[Path]) -> None:
        """Each file over the one before. One that can't be read leaves nothing else to judge."""
        read = [sources.read(path) for path in paths]
        if flaws := [file for file in read if isinstance(file, Flaw)]:
            raise ConfigError(flaws)
        for file in read:
            if isinstance(file, sources.File):
                self._take_file(file)

    def take(self, setting: sources.Setting | Flaw) -> None:
        """One value of the environment or the command line."""
        if isinstance(setting, Flaw):
            self._flaws.append(setting)
            return
        key = self._place(setting.key)
        if key is None:
            self._blame(setting.origin, setting.key, "there is no row with this id")
            return
        for below, value in sources.leaves(setting.value, key):
            self._plant(below, value, dict.fromkeys(range(len(below) + 1), setting.origin))

    def validated(self, environ: Mapping[str, str]) -> Config:
        """The configuration, if there is nothing wrong with it."""
        try:
            config = Config.model_validate(_lists(self._tree), context={"environ": environ})
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                self._blame(None, detail["loc"], _message(detail))
        else:
            for key, message in check.problems(config):
                self._blame(None, key, message)
        if self._flaws:
            raise ConfigError(self._flaws)
        return config

    def _take_file(self, file: sources.File) -> None:
        before = {name: len(rows) for name, rows in self._tree.items() if _is_list(rows)}
        for key, value in sources.leaves(dict(file.content)):
            origins = {end: file.origin(key[:end]) for end in range(1, len(key) + 1)}
            # rows of an earlier file keep their places
            self._plant(_moved(key, before), value, origins)

    def _plant(self, key: Key, value: object, origins: Mapping[int, Origin]) -> None:
        """Put a value at its place; `origins` has one for the key and each table around it."""
        node = self._tree
        for end, part in enumerate(key[:-1], 1):
            self._tables.setdefault(key[:end], origins[end])
            if not isinstance(node.get(part), dict):
                node[part] = {}
            node = node[part]
        if not (value == {} and isinstance(node.get(key[-1]), dict)):
            node[key[-1]] = value
            self.leaves[key] = origins[len(key)]

    def _place(self, key: Key) -> Key | None:
        """The key with the position of the row that it names by id; None when there is no such."""
        rows: Any = self._tree.get(key[0])
        if key[0] not in {"customer", "transport"} or len(key) == 1:
            return key
        for position, row in rows.items() if _is_list(rows) else ():
            if str(row.get("id")) == key[1]:
                return (key[0], position, *key[2:])
        return None

    def _blame(self, origin: Origin | None, key: Key, message: str) -> None:
        origin = origin or self._origin(key)
        self._flaws.append(
            Flaw(file=origin.source, line=origin.line, key=dotted(key), message=message)
        )

    def _origin(self, key: Key) -> Origin:
        """Where the key was set, else the closest table around it."""
        for end in range(len(key), 0, -1):
            if found := self.leaves.get(key[:end]) or self._tables.get(key[:end]):
                return found
        return Origin(source=self._name)


def _public(key: Key, config: Config) -> str:
    """The key as `flat` writes it: rows by their id, tables of the user's own as one value."""
    while schema.field_at(key) is None:
        key = key[:-1]
    match key:
        case (str(table), int(position), *rest):
            row = getattr(config, table)[position]
            key = (table, str(getattr(row, "id", position)), *rest)
    return dotted(key)


def _moved(key: Key, before: Mapping[str | int, int]) -> Key:
    """The key behind the rows of its list that are there already."""
    match key:
        case (table, int(position), *rest):
            return (table, position + before.get(table, 0), *rest)
    return key


def _is_list(node: Any) -> bool:
    """Whether a node of the tree is a list of tables: those are kept by position."""
    return isinstance(node, dict) and bool(node) and all(isinstance(key, int) for key in node)


def _lists(node: Any) -> Any:
    """The tree with its lists of tables as lists."""
    if not isinstance(node, dict):
        return node
    plain = {key: _lists(below) for key, below in node.items()}
    return list(plain.values()) if _is_list(node) else plain


def _message(detail: ErrorDetails) -> str:
    """What pydantic found, in our words and without the value."""
    if detail["type"] == "extra_forbidden":
        return f"unknown key{schema.suggestion(detail['loc'])}"
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    return _MESSAGES.get(detail["type"], detail["msg"].replace("Input should", "must"))
