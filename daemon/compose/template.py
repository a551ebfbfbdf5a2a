"""Text with slots: `Hi {{ name }}` (Q37).

A slot holds one variable's name and nothing else: no expressions, no filters, no loops. So a
template can't run, can't loop and can't reach anything but the values it is given.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

_KEPT, _LONGEST = 128, 64 * 2**10
"""How many templates are kept for the next message with that text; characters of a text."""

# Possessive throughout: a hostile text costs no more than its length.
_SLOT = re.compile(r"\{\{(?:\s*+([A-Za-z_][A-Za-z0-9_.]*+)\s*+\}\})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a message's content; it repeats nothing of the content."""

    field: str
    """Where: `subject`, `text`, `html`, `from.address`, `from.name` or `reply_to`."""
    reason: str
    position: int | None = None
    """Which character of the field, counted from 0, when it can be pointed at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Literals with a slot between each two: there is always one literal more than slots."""

    literals: tuple[str, ...]
    slots: tuple[str, ...] = ()

    @property
    def variables(self) -> frozenset[str]:
        """The names of the variables it mentions."""
        return frozenset(self.slots)

    @property
    def size(self) -> int:
        """Characters of its literals."""
        return sum(map(len, self.literals))

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with each slot's value in its place, as it is; every variable needs a value."""
        if not self.slots:
            return self.literals[0]
        pieces = [self.literals[0]]
        for slot, literal in zip(self.slots, self.literals[1:], strict=True):
            pieces += (values[slot], literal)
        return "".join(pieces)


def parse(text: str, *, field: str) -> Template | tuple[Fault, ...]:
    """The template that a text spells, or a fault for each `{{` that opens no proper slot.

    A lone `}}` is text: style sheets end that way.
    """
    read = _kept(text) if len(text) <= _LONGEST else _read(text)
    if isinstance(read, Template):
        return read
    reason = "'{{' is not followed by a variable's name and '}}'"
    return tuple(Fault(field=field, reason=reason, position=position) for position in read)


def _read(text: str) -> Template | list[int]:
    """The template, or where it is none."""
    literals, slots, wrong, end = [], [], [], 0
    for found in _SLOT.finditer(text):
        if found[1] is None:
            wrong.append(found.start())
            continue
        literals.append(text[end : found.start()])
        slots.append(found[1])
        end = found.end()
    return wrong or Template(literals=(*literals, text[end:]), slots=tuple(slots))


_kept = functools.lru_cache(maxsize=_KEPT)(_read)
