"""Whoever is meant: an audience that the directory answers, or that leaves somebody out.

Nobody from a directory or a list passes through here: terms become rows for one statement, which
finds them, judges them and stores their deliveries (requirements 2.2). Only those whom the parcel
itself names are judged by the address law first, as everywhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from daemon.expansion import literal
from daemon.mail.request.audience import Billing, Contacts, Me, Members, People
from daemon.mail.request.audience import Term as Asked
from daemon.mail.request.recipients import Recipients
from daemon.store import door, expansion
from daemon.store.expansion import Expanded, Place, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """An audience as the directory is asked for it."""

    acting: int
    """The customer in whose name: his people, his lists, those below him, his suppressions."""
    person: int | None
    """Who `me` is."""
    audience: Sequence[Asked]
    exclude: Sequence[Asked] = ()
    lists: Mapping[int, int]
    """The id of each list, by the number of its term; terms of `exclude` go on counting."""

    @property
    def numbered(self) -> list[tuple[int, bool, Asked]]:
        """Every term with its number, and whether it excludes."""
        every = chain(
            ((False, one) for one in self.audience), ((True, one) for one in self.exclude)
        )
        return [(number, excludes, term) for number, (excludes, term) in enumerate(every)]


async def expanded(
    session: door.Session,
    place: Place,
    meant: Meant,
    *,
    need_dot: bool = True,
    within: float | None = None,
) -> Expanded:
    """Turns everyone meant into deliveries, in the session's transaction; the job is stored.

    `within`: seconds that it may take, for many; None = few, as long as any statement.
    """
    rows = terms(meant)
    asked = [
        found
        for number, _, term in meant.numbered
        if isinstance(term, Recipients)
        for found in literal.judged(term.items, place=number, need_dot=need_dot)
    ]
    return await expansion.meant(session, place, meant.acting, rows, asked, within=within)


def terms(meant: Meant) -> list[Term]:
    """The terms as statements want them."""
    return [row for numbered in meant.numbered for row in _rows(*numbered, meant)]


def _rows(number: int, excludes: bool, term: Asked, meant: Meant) -> Iterator[Term]:  # noqa: FBT001
    """One term as the statement wants it."""
    match term:
        case People(scope=scope) | Billing(scope=scope):
            yield Term(number, excludes, term.type, scope=scope)
        case Me():
            yield Term(number, excludes, term.type, id=meant.person)
        case Members():
            yield Term(number, excludes, term.type, id=meant.lists[number])
        case Contacts(ids=ids):
            for position, contact in enumerate(ids):
                yield Term(number, excludes, term.type, id=contact, position=position)
        case Recipients():
            yield Term(number, excludes, term.type)
