"""What differs between two configurations, for the reload and for `config show`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from daemon.config import schema
from daemon.config.section import Section
from daemon.config.sections import Config

S = TypeVar("S", bound=Section)

_CAME, _WENT = ("", "added"), ("removed", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One key that was changed, or one row that came or went."""

    key: str
    """Dotted; rows by their id where they have one: `transport.1.port`."""
    before: str
    """As text, secrets as `***`; empty for a row that came."""
    after: str
    """The same; empty for a row that went."""
    needs_restart: bool
    """Whether the running process goes on with the old value."""

    def __str__(self) -> str:
        if (self.before, self.after) in {_CAME, _WENT}:
            return f"{self.key} {self.before}{self.after}"
        return f"{self.key}: {self.before or 'empty'} → {self.after or 'empty'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    value: object
    text: str
    row: str
    """The row it belongs to, empty outside of lists."""
    is_live: bool


def changed(old: Config, new: Config) -> list[Change]:
    """Every difference, in the order of the sections."""
    before, after = dict(_walk(old)), dict(_walk(new))
    rows_before, rows_after = _rows(before), _rows(after)
    moved = rows_before ^ rows_after
    changes = [_row(row, came=row in rows_after) for row in sorted(moved)]
    changes += [
        _change(key, before[key], value)
        for key, value in after.items()
        if value.row not in moved and key in before and before[key].value != value.value
    ]
    return changes


def merged(old: S, new: S) -> S:
    """What a reload makes of both: the new one, but for what needs a restart."""
    taken = {
        name: _taken(getattr(old, name), getattr(new, name), is_live=name in new.LIVE)
        for name in type(new).model_fields
    }
    return new.model_copy(update=taken)


def flat(config: Config) -> dict[str, str]:
    """Every value by its dotted key, as text, secrets as `***`."""
    return {key: one.text for key, one in _walk(config)}


def _walk(section: Section, above: str = "", row: str = "") -> Iterator[tuple[str, _Value]]:
    for name, field in type(section).model_fields.items():
        key, value = f"{above}{name}", getattr(section, name)
        if schema.section_of(field) is None:
            is_live = name in section.LIVE
            yield key, _Value(value=value, text=schema.text(field, value), row=row, is_live=is_live)
        elif isinstance(value, Section):
            yield from _walk(value, f"{key}.", row)
        else:
            for position, below in enumerate(value):
                own = f"{key}.{getattr(below, 'id', position)}"
                yield from _walk(below, f"{own}.", own)


def _rows(values: dict[str, _Value]) -> set[str]:
    return {one.row for one in values.values() if one.row}


def _row(row: str, *, came: bool) -> Change:
    is_live = row.partition(".")[0] in Config.LIVE
    texts = _CAME if came else _WENT
    return Change(key=row, before=texts[0], after=texts[1], needs_restart=not is_live)


def _change(key: str, old: _Value, new: _Value) -> Change:
    return Change(key=key, before=old.text, after=new.text, needs_restart=not new.is_live)


def _taken(old: Any, new: Any, *, is_live: bool) -> Any:
    if isinstance(new, Section):
        return merged(old, new)
    if not is_live:
        return old
    if isinstance(new, tuple) and all(isinstance(row, Section) for row in new):
        known = {row.id: row for row in old if hasattr(row, "id")}
        return tuple(
            merged(known[row.id], row) if getattr(row, "id", None) in known else row for row in new
        )
    return new
