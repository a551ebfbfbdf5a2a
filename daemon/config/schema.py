"""Questions to the sections themselves: which keys there are, and what a key holds."""

import difflib
from collections.abc import Iterator
from typing import get_args, get_origin

from pydantic.fields import FieldInfo

from daemon.config import values
from daemon.config.flaw import Key, dotted
from daemon.config.section import Section
from daemon.config.sections import Config
from daemon.config.values import Secret


def field_at(key: Key) -> FieldInfo | None:
    """The field of a key, None when there is none; positions in lists are passed over."""
    section: type[Section] | None = Config
    field: FieldInfo | None = None
    for part in key:
        if isinstance(part, int):
            continue
        field = section.model_fields.get(part) if section else None
        if field is None:
            return None
        section = section_of(field)
    return field


def section_of(field: FieldInfo) -> type[Section] | None:
    """The section that a field holds, alone or in a list."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next(
        (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)), None
    )


def is_secret(key: Key) -> bool:
    """Whether the key holds a secret."""
    field = field_at(key)
    return field is not None and field.annotation is Secret


def is_collection(key: Key) -> bool:
    """Whether the key holds a list or a table of its own, so that its text form is TOML."""
    field = field_at(key)
    return field is not None and get_origin(field.annotation) in {tuple, dict}


def text(field: FieldInfo, value: object) -> str:
    """A value as people write it; a secret as `***`, nothing as nothing."""
    for kind in (values.AS_DURATION, values.AS_SIZE):
        if isinstance(value, float | int) and kind in field.metadata:
            return values.spelled(value, kind)
    return "" if value is None else str(value)


def entries(section: type[Section] = Config, above: Key = ()) -> Iterator[tuple[Key, FieldInfo]]:
    """Every key that holds a value, in order; keys of lists without position."""
    for name, field in section.model_fields.items():
        below = section_of(field)
        if below is None:
            yield (*above, name), field
        else:
            yield from entries(below, (*above, name))


def suggestion(key: Key) -> str:
    """For an unknown key: `; did you mean log.level?`, or nothing when none is alike."""
    known = [dotted(one) for one, _ in entries()]
    known += {dotted(one[:-1]) for one, _ in entries()}
    wanted = dotted(tuple(part for part in key if isinstance(part, str)))
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.75)
    return f"; did you mean {near[0]}?" if near else ""
