"""Rows of cells become lines of a COPY into the table where an import waits to be judged.

Most rows are plain, so a thousand of them are done column by column; if anything in them is odd,
they are done again one by one, and each wrong cell is named. A row with a fault is staged as its
number and what is wrong with it, and nothing else of it.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from daemon.mail import address
from daemon.mail.directory import cells
from daemon.mail.directory.entities import Column, Entity

FORMS = ("norm", "supp", "domain", "address_fault")
"""Columns that stand behind an address: its forms, and the rule that it breaks."""

_ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_SPACES = re.compile(r"\t +[\t\n]")
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some lines of a file."""

    numbers: Sequence[int]
    """Of the line that each row begins in."""
    rows: Sequence[Sequence[str]]
    broken: Sequence[tuple[int, str]] = ()
    """Lines that are no row at all, and why."""


@dataclass(slots=True, kw_only=True)
class Staging:
    """Makes the lines for the columns that a file has."""

    entity: Entity
    columns: tuple[Column, ...]
    rows: int = field(default=0, init=False)
    """How many came, with or without fault."""
    unfit: int = field(default=0, init=False)
    """Addresses among them that can't be written to."""

    @property
    def targets(self) -> list[str]:
        """The columns of the staging table that the lines fill."""
        names = ["line", "fault"]
        for column in self.columns:
            names += [column.name, *FORMS] if column.kind.forms else [column.name]
        return names

    def lines(self, batch: Batch) -> bytes:
        """The lines of a COPY, in its text format, an empty value being NULL."""
        self.rows += len(batch.rows) + len(batch.broken)
        text = self._at_once(batch) if batch.rows else ""
        if text is None:
            rows = zip(batch.numbers, batch.rows, strict=True)
            text = "".join(self._line(number, row) for number, row in rows)
        return (text + "".join(self._faulty(*one) for one in batch.broken)).encode()

    def _at_once(self, batch: Batch) -> str | None:
        """All rows, column by column; None if any of them needs a closer look."""
        if set(map(len, batch.rows)) != {len(self.columns)}:
            return None
        given = list(zip(*batch.rows, strict=True))
        if not self._has_one(given):
            return None
        filled: list[Sequence[str]] = []
        for column, texts in zip(self.columns, given, strict=True):
            made = _column(column, texts)
            if made is None:
                return None
            filled += made
        lines = "\n".join(
            map("\t\t".join, zip(map(str, batch.numbers), _joined(filled), strict=True))
        )
        if not self._is_plain(lines + "\n", len(batch.rows), len(filled) + 1):
            return None
        self.unfit += sum(map(bool, filled[self._fault_place])) if self._fault_place else 0
        return lines + "\n"

    @property
    def _fault_place(self) -> int:
        targets = self.targets
        return targets.index("address_fault") - 2 if "address_fault" in targets else 0

    @staticmethod
    def _is_plain(text: str, rows: int, tabs: int) -> bool:
        """Whether every cell is one line of octets that were UTF-8."""
        if text.count("\n") != rows or text.count("\t") != rows * tabs:
            return False
        if _ODD.search(text) or _SPACES.search(text):
            return False
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
        return True

    def _has_one(self, given: Sequence[Sequence[str]]) -> bool:
        """Whether of the columns of which one must be filled all rows fill one, and no more."""
        some = [
            texts
            for column, texts in zip(self.columns, given, strict=True)
            if column.name in self.entity.one_of
        ]
        if not some:
            return True
        filled = [sum(map(bool, texts)) for texts in zip(*some, strict=True)]
        return min(filled) > 0 and not (self.entity.only_one and max(filled) > 1)

    def _line(self, number: int, row: Sequence[str]) -> str:
        """One row, cell by cell."""
        if len(row) != len(self.columns):
            return self._faulty(
                number, f"\thas {len(row)} cells, and the first line {len(self.columns)}"
            )
        faults, values = list(self._one_missing(row)), []
        for column, text in zip(self.columns, row, strict=True):
            try:
                values += _value(column, text)
            except ValueError as error:
                faults.append(f"{column.name}\t{error}")
        if faults:
            return self._faulty(number, "\n".join(faults))
        self.unfit += bool(values[self._fault_place]) if self._fault_place else 0
        return "\t".join([str(number), "", *(value.translate(_ESCAPED) for value in values)]) + "\n"

    def _one_missing(self, row: Sequence[str]) -> Iterator[str]:
        entity = self.entity
        some = [
            bool(text.strip(" "))
            for column, text in zip(self.columns, row, strict=True)
            if column.name in entity.one_of
        ]
        if some and not any(some):
            yield f"\tone of {', '.join(entity.one_of)} must be filled"
        if entity.only_one and sum(some) > 1:
            yield f"\tonly one of {', '.join(entity.one_of)} may be filled"

    def _faulty(self, number: int, fault: str) -> str:
        empty = "\t" * (len(self.targets) - 2)
        return f"{number}\t{fault.translate(_ESCAPED)}{empty}\n"


def header(entity: Entity, names: Sequence[str]) -> Staging | list[str]:
    """What makes the lines for a file with these columns, or all that is wrong with its header."""
    faults = [_unknown(entity, name) for name in names if entity.column(name) is None]
    faults += [f"column {name} stands there twice" for name in sorted(_twice(names))]
    missing = [
        column.name for column in entity.columns if column.required and column.name not in names
    ]
    faults += [f"column {name} is missing" for name in missing]
    if entity.one_of and not set(entity.one_of) & set(names) and "id" not in names:
        faults.append(f"one of the columns {', '.join(entity.one_of)} is missing")
    if faults:
        return faults
    columns = tuple(column for name in names if (column := entity.column(name)))
    return Staging(entity=entity, columns=columns)


def _unknown(entity: Entity, name: str) -> str:
    shown = name[:64] if name.isprintable() else "with characters that are none"
    near = difflib.get_close_matches(name[:64], entity.names, n=1)
    known = f"did you mean {near[0]}?" if near else f"{entity.name} has {', '.join(entity.names)}"
    return f"unknown column {shown}: {known}"


def _twice(names: Sequence[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1}


def _joined(columns: Sequence[Sequence[str]]) -> Iterator[str]:
    return map("\t".join, zip(*columns, strict=True))


def _column(column: Column, texts: Sequence[str]) -> list[Sequence[str]] | None:
    """A whole column, and the forms of its addresses; None if a cell in it isn't plain."""
    if column.required and "" in texts:
        return None
    if len(max(texts, key=len)) > column.kind.longest:
        return None
    if column.kind.forms:
        return _addressees(texts)
    if column.kind.read is not None or column.default:
        return _converted(column, texts)
    return [texts] if "\\" not in "".join(texts) else None


def _converted(column: Column, texts: Sequence[str]) -> list[Sequence[str]] | None:
    """Each value once: most columns have few."""
    try:
        known = {text: _value(column, text)[0].replace("\\", r"\\") for text in set(texts)}
    except ValueError:
        return None
    return [[known[text] for text in texts]]


def _addressees(texts: Sequence[str]) -> list[Sequence[str]] | None:
    if "\\" in "".join(texts) or any(map(str.isspace, texts)):
        return None
    bare = [text.strip() for text in texts]
    forms = [address.forms(text) if text else _BLANK for text in bare]
    return [bare, *zip(*forms, strict=True)]


_BLANK = ("",) * len(FORMS)


def _value(column: Column, text: str) -> list[str]:
    """The value of one cell, and the forms of an address. `ValueError` if it is none."""
    if not text.strip(" "):
        if column.required:
            raise ValueError("is missing")
        return [column.default, *(_BLANK if column.kind.forms else ())]
    value = cells.read(column.kind, text)
    return [value, *address.forms(value)] if column.kind.forms else [value]
