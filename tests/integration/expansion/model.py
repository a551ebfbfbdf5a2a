"""Worlds to expand in, and what must come of it: the law of requirements 2.2 in plain Python."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from daemon.mail.request.audience import Billing, Contacts, Me, Members, People, Term
from daemon.mail.request.recipients import Override, Recipients
from tests.integration.expansion.people import Directory, forms

ADDRESSES = ("a@x.test", "A@x.test", "a@X.TEST", "b@x.test", "c@y.test", "d@y.test", "no address")
VALID = {one: f"{one.partition('@')[0]}@{one.partition('@')[2].lower()}" for one in ADDRESSES[:-1]}
"""Each address that is one, with what tells it apart (Q5)."""
NOWHERE = dict.fromkeys(("address", "norm", "supp", "domain", "fault"))
"""The columns of an address, of somebody without one."""
ME = 7


@dataclass(frozen=True, kw_only=True)
class Somebody:
    """A person of a customer's."""

    customer: int
    addresses: tuple[str, ...] = ()
    pseudo: bool = False
    retired: bool = False
    no_mailing: bool = False


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One addressee whom a term yields, before anything is decided about him."""

    address: str | None
    reason: str | None = None
    no_mailing: bool = False
    of_list: int | None = None
    own: Override | None = None
    """What only his mail has; with it, one address gets two (Q25)."""


_Mail = tuple[str, Override | None]


@dataclass(kw_only=True)
class Came:
    """What an expansion comes to."""

    counts: Counter[str] = field(default_factory=Counter)
    addresses: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class World:
    """Customers, people, contacts, lists, suppressions, and what is asked for."""

    parents: dict[int, int]
    deleted: frozenset[int]
    people: dict[int, Somebody]
    billing: list[tuple[int, int | str]]
    contacts: dict[int, tuple[str | None, bool]]
    lists: dict[int, frozenset[int]]
    everywhere: dict[str, str]
    by_list: dict[tuple[str, int], str]
    audience: tuple[Term, ...]
    exclude: tuple[Term, ...]
    person: int
    marketing: bool
    is_many: bool
    """Whether the statement is told that they may be many; what comes of it is the same."""

    async def enter(self, directory: Directory) -> None:
        """Puts the world into a database whose tree is unguarded: a statement for each table."""
        status = {one: "deleted" if one in self.deleted else "active" for one in self.parents}
        tree = [
            {"id": one, "parent_id": parent, "name": f"c{one}", "status": status[one]}
            for one, parent in self.parents.items()
            if one != ME
        ]
        await directory.enter("customer", tree)
        await directory.run(
            "UPDATE customer SET parent_id = $2 WHERE id = $1", ME, self.parents[ME]
        )
        await self._enter_people(directory)
        contacts = [
            {
                "id": number,
                "customer_id": ME,
                "no_mailing": no_mailing,
                "phone_number": f"+{number}",
            }
            | (forms(address) if address else NOWHERE)
            for number, (address, no_mailing) in self.contacts.items()
        ]
        await directory.enter("contact", contacts)
        await self._enter_lists(directory)

    async def _enter_people(self, directory: Directory) -> None:
        people = [
            {
                "id": number, "customer_id": one.customer, "pseudo": one.pseudo,
                "retired": one.retired, "no_mailing": one.no_mailing,
            }
            for number, one in self.people.items()
        ]  # fmt: skip
        addresses = [
            {"person_id": number, "position": position} | forms(address)
            for number, one in self.people.items()
            for position, address in enumerate(_once(one.addresses))
        ]
        billing = [
            {"customer_id": customer, "person_id": somebody if isinstance(somebody, int) else None}
            | (NOWHERE if isinstance(somebody, int) else forms(somebody))
            for customer, somebody in self.billing
        ]
        await directory.enter("person", people)
        await directory.enter("person_email", addresses)
        await directory.enter("billing_contact", billing)

    async def _enter_contacts(self, directory: Directory) -> None:
        contacts = [
            {"id": number, "customer_id": ME, "phone_number": f"+{number}", "no_mailing": said}
            | (forms(one) if one else NOWHERE)
            for number, (one, said) in self.contacts.items()
        ]
        await directory.enter("contact", contacts)

    async def _enter_lists(self, directory: Directory) -> None:
        lists = [
            {"id": number, "customer_id": ME, "name": f"list {number}", "origin": "api"}
            for number in self.lists
        ]
        members = [
            {"list_id": number, "contact_id": member, "source": "api"}
            for number, found in self.lists.items()
            for member in sorted(found)
        ]
        everywhere = [((supp, None), kind, "deny") for supp, kind in self.everywhere.items()]
        by_list = [(where, "unsubscribe", effect) for where, effect in self.by_list.items()]
        denied = [
            {
                "customer_id": ME, "supp": supp, "kind": kind, "source": "api", "effect": effect,
                "list_id": number, "scope": "list" if number else "all",
            }
            for (supp, number), kind, effect in (*everywhere, *by_list)
        ]  # fmt: skip
        await directory.enter("list", lists)
        await directory.enter("list_member", members)
        await directory.enter("suppression", denied)

    def expanded(self) -> Came:
        """What must come of it."""
        came = Came()
        gone = chain.from_iterable(map(self._yields, self.exclude))
        out = {VALID[entry.address] for entry in gone if entry.address in VALID}
        for (norm, _), entries in self._fit(out, came.counts).items():
            came.counts["duplicate"] += len(entries) - 1
            if all(self._is_suppressed(entry) for entry in entries):
                came.counts["suppressed"] += 1
            else:
                came.counts["queued"] += 1
                came.addresses.append(norm)
        came.counts = +came.counts
        return came

    def _fit(self, out: set[str], numbers: Counter[str]) -> dict[_Mail, list[Entry]]:
        """Who may be written to, by what tells mails apart; the others are counted."""
        fit: dict[_Mail, list[Entry]] = {}
        for entry in chain.from_iterable(map(self._yields, self.audience)):
            numbers["requested"] += 1
            reason = self._flaw(entry, out)
            if reason:
                numbers[reason] += 1
            else:
                fit.setdefault((VALID[entry.address or ""], entry.own), []).append(entry)
        return fit

    def _flaw(self, entry: Entry, out: set[str]) -> str | None:
        if entry.reason:
            return entry.reason
        if entry.address is None:
            return "no_address"
        if entry.address not in VALID:
            return "invalid"
        return "excluded" if VALID[entry.address] in out else None

    def _is_suppressed(self, entry: Entry) -> bool:
        supp = (entry.address or "").lower()
        kind = self.everywhere.get(supp)
        if kind is not None and kind != "unsubscribe":
            return True
        if not self.marketing:
            return False
        of_list = self.by_list.get((supp, entry.of_list or 0))
        if entry.no_mailing or of_list == "deny":
            return True
        return kind == "unsubscribe" and of_list != "allow"

    def _yields(self, term: Term) -> Iterator[Entry]:
        match term:
            case Recipients(items=items):
                yield from (Entry(address=item.address, own=item.override) for item in items)
            case People(scope=scope):
                yield from chain.from_iterable(map(self._people, self._scope(scope)))
            case Billing(scope=scope):
                yield from chain.from_iterable(map(self._billing, self._scope(scope)))
            case Me():
                yield from self._of(self.people[self.person])
            case Members(id=number):
                yield from (self._contact(one, number) for one in self.lists[number or 0])
            case Contacts(ids=ids):
                yield from map(self._contact, ids)

    def _contact(self, number: int, of_list: int | None = None) -> Entry:
        if number not in self.contacts:
            return Entry(address=None, reason="not_found")
        address, no_mailing = self.contacts[number]
        return Entry(address=address, no_mailing=no_mailing, of_list=of_list)

    def _scope(self, scope: str) -> list[int]:
        if scope == "self":
            return [ME]
        found = self._children(ME)
        if scope == "children":
            return found
        for customer in found:  # grows while it is gone through
            found += [one for one in self._children(customer) if one not in found]
        return found

    def _children(self, customer: int) -> list[int]:
        return [
            one for one, parent in self.parents.items()
            if parent == customer and one != ME and one not in self.deleted
        ]  # fmt: skip

    def _people(self, customer: int) -> Iterator[Entry]:
        for one in self.people.values():
            if one.customer == customer and not one.pseudo:
                yield from self._of(one)

    def _billing(self, customer: int) -> Iterator[Entry]:
        for whose, somebody in self.billing:
            if whose == customer and isinstance(somebody, str):
                yield Entry(address=somebody)
            elif whose == customer and isinstance(somebody, int):
                yield from self._of(self.people[somebody])

    def _of(self, one: Somebody) -> Iterator[Entry]:
        reason = "inactive" if one.retired else None
        for address in _once(one.addresses) or (None,):
            yield Entry(address=address, reason=reason, no_mailing=one.no_mailing)


def _once(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses of one person, who has each of them once."""
    return tuple({VALID.get(one, one): one for one in addresses}.values())
