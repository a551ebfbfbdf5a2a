"""A file of contacts as portions that one request takes each (`lists.import`).

The columns are those of contacts but for whose they are: the list says that. Cells go out as they
stand, and the daemon judges them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from daemon.directory import sheets
from daemon.directory.sheets import FORMATS, Sheet, Source, Unfit
from daemon.mail.directory import entities
from daemon.mail.directory.entities import Entity
from daemon.mail.directory.staging import Batch
from daemon.mail.request import contacts

_ENTITY = Entity(
    name="contact",
    columns=contacts.COLUMNS,
    known_by=entities.CONTACT.known_by,
    one_of=entities.CONTACT.one_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """The contacts of one request."""

    contacts: list[dict[str, str]]
    lines: list[int]
    """Where each stands in the file."""
    octets: int
    """That were read for it."""


@dataclass(slots=True, kw_only=True)
class Portions:
    """All of them, one after the other."""

    sheet: Sheet
    broken: list[tuple[int, str]] = field(default_factory=list)
    """Lines that are no contact at all, and why."""

    def __iter__(self) -> Iterator[Portion]:
        names = [column.name for column in self.sheet.staging.columns]
        before = 0
        for batch in self.sheet.batches():
            self.broken += [(line, _said(fault)) for line, fault in batch.broken]
            fit = self._fit(batch, len(names))
            for start in range(0, len(fit), contacts.MOST):
                some = fit[start : start + contacts.MOST]
                yield Portion(
                    contacts=[_contact(names, row) for _, row in some],
                    lines=[line for line, _ in some],
                    octets=self.sheet.done - before,
                )
                before = self.sheet.done

    def _fit(self, batch: Batch, cells: int) -> list[tuple[int, Sequence[str]]]:
        """The rows that can be asked for; the others are broken lines, too."""
        fit = []
        for line, row in zip(batch.numbers, batch.rows, strict=True):
            if len(row) != cells:
                self.broken.append((line, f"hasn't {cells} cells, as the first line has"))
            elif not _is_unicode(row):
                self.broken.append((line, "must be UTF-8"))
            else:
                fit.append((line, row))
        return fit


@contextmanager
def opened(path: Path) -> Iterator[Portions]:
    """The file, with its header read. Raises `Unfit`, `OSError`."""
    format_ = FORMATS.get(path.suffix.lower())
    if format_ is None:
        raise Unfit(f"{path}: its name must end in {', '.join(FORMATS)}")
    with sheets.opened(Source(path=path, entity=_ENTITY, format=format_)) as sheet:
        yield Portions(sheet=sheet)


def _contact(names: list[str], row: Sequence[str]) -> dict[str, str]:
    """What is said of it."""
    return {name: cell for name, cell in zip(names, row, strict=True) if cell}


def _is_unicode(row: Sequence[str]) -> bool:
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return False
    return True


def _said(fault: str) -> str:
    """The faults of a line as one."""
    return "; ".join(part.strip().replace("\t", ": ") for part in fault.split("\n"))
