"""Text with slots: `Hi {{ name }}` (Q37).

A slot holds one variable's name and nothing else: no expressions, no filters, no loops. So a
template can't run, can't loop and can't reach anything but the values it is given. What isn't a
template is known when its field is read, so that its sender hears of it with all else.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

_KEPT, _LONGEST = 128, 64 * 2**10
"""How many templates are kept for the next message with that text; characters of a text."""

_NAME = "[A-Za-z_][A-Za-z0-9_.]*+"
# Possessive throughout: a hostile text costs no more than its length.
_SLOT = re.compile(r"\{\{(?:\s*+(" + _NAME + r")\s*+\}\})?")
is_name = re.compile(_NAME, re.ASCII).fullmatch
"""Whether a slot can name a variable that is called so."""

REASON = "'{{' is not followed by a variable's name and '}}'"
_POINTED = 5
"""Places of one text that are named; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """A text that is no template; it repeats nothing of the text."""

    positions: tuple[int, ...]
    """Which characters, counted from 0, are a `{{` that opens no proper slot."""

    def __str__(self) -> str:
        named = ", ".join(map(str, self.positions[:_POINTED]))
        more = len(self.positions) - _POINTED
        others = f" and {more} more" if more > 0 else ""
        characters = "character" if len(self.positions) == 1 else "characters"
        return f"{characters} {named}{others}, counted from 0: {REASON}"


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


def parse(text: str) -> Template | Unfit:
    """The template that a text spells, or where it is none.

    A lone `}}` is text: style sheets end that way.
    """
    return _kept(text) if len(text) <= _LONGEST else _read(text)


def fit(text: str) -> str:
    """A text that is a template; raises `ValueError` with where it is none."""
    if "{{" in text and isinstance(unfit := parse(text), Unfit):
        raise ValueError(str(unfit))
    return text


def _read(text: str) -> Template | Unfit:
    literals, slots, wrong, end = [], [], [], 0
    for found in _SLOT.finditer(text):
        if found[1] is None:
            wrong.append(found.start())
            continue
        literals.append(text[end : found.start()])
        slots.append(found[1])
        end = found.end()
    if wrong:
        return Unfit(positions=tuple(wrong))
    return Template(literals=(*literals, text[end:]), slots=tuple(slots))


_kept = functools.lru_cache(maxsize=_KEPT)(_read)
