"""The customer tree of requirements 3.1: Acme and his sub-customers, their people and lists."""

from dataclasses import dataclass, field

from tests.integration.expansion.people import Directory

_TREE = (
    (1, None, "active"), (7, 1, "active"), (71, 7, "active"), (711, 71, "active"),
    (7111, 711, "active"), (712, 71, "locked"), (72, 7, "active"), (721, 72, "active"),
    (73, 7, "active"), (731, 73, "active"), (8, 1, "active"), (81, 8, "active"),
)  # fmt: skip
_PEOPLE = {
    1: (7, "ann@acme.example"), 2: (7, "bob@acme.example"),
    3: (71, "carl@north.example", "carl.alt@north.example"), 4: (711, "dana@retail.example"),
    5: (711,), 6: (7111, "dana@Retail.EXAMPLE"), 7: (712, "eve@wholesale.example"),
    8: (72, "fred@south.example"), 9: (721, "ANN@acme.example"), 10: (721, "gina@south.example"),
    11: (731, "hal@orphan.example"), 12: (8, "ivan@other.example"),
}  # fmt: skip
_BILLING: tuple[tuple[int, int | str], ...] = (
    (7, "bill7@acme.example"), (71, "bill@north.example"), (711, 4), (7111, "bill@NORTH.example"),
    (712, "acc1@wholesale.example"), (712, "acc2@wholesale.example"), (721, "gina@south.example"),
    (731, "bill@orphan.example"), (81, "bill@other.example"),
)  # fmt: skip
_BEHIND_THE_GUARD = """
ALTER TABLE customer DISABLE TRIGGER customer_tree_is_kept;
UPDATE customer SET status = 'deleted' WHERE id = 73;
ALTER TABLE customer ENABLE TRIGGER customer_tree_is_kept;
"""
"""Customer 731 lives under somebody deleted: bad data, which the law of the tree refuses."""


@dataclass(frozen=True, kw_only=True)
class Acme:
    """Where the contacts and lists of customer 7 are, by the names that requirements give them."""

    contacts: dict[str, int] = field(default_factory=dict)
    lists: dict[str, int] = field(default_factory=dict)


async def entered(directory: Directory) -> Acme:
    """Enters all of it; gina and mona are unsubscribed from everything at customer 7."""
    for number, parent, status in _TREE:
        await directory.customer(number, parent, status)
    await directory.relay(7, 1)
    await directory.relay(71, 2)
    for number, (customer, *addresses) in _PEOPLE.items():
        await directory.person(customer, *addresses, number=number, forename=f"p{number}")
    await directory.person(7, "ghost@acme.example", number=13, pseudo=True)
    for customer, somebody in _BILLING:
        await directory.billing(customer, somebody)
    await directory.connection.execute(_BEHIND_THE_GUARD)
    await directory.deny(7, "gina@south.example")
    return await _lists(directory)


async def _lists(directory: Directory) -> Acme:
    acme = Acme()
    for name in ("john", "kate", "liam", "mona", "m1", "m2", "m3", "m4", "m5"):
        acme.contacts[name] = await directory.contact(7, f"{name}@cust.example", first_name=name)
    acme.contacts["m6"] = await directory.contact(7, None, phone_number="+3751")
    acme.contacts["1003"] = await directory.contact(7, None, phone_number="+3752")
    acme.contacts["m7"] = await directory.contact(7, "bad@@list")
    members = [acme.contacts[f"m{number}"] for number in range(1, 8)]
    acme.lists["L5"] = await directory.list(7, "Friends", members)
    acme.lists["L6"] = await directory.list(7, "Others", members[:2])
    foreign = await directory.contact(8, "m1@cust.example")
    acme.lists["L8"] = await directory.list(8, "Friends", [foreign])
    await directory.deny(7, "m2@cust.example", list_id=acme.lists["L5"])
    await directory.deny(7, "m3@cust.example")
    await directory.deny(7, "m4@cust.example", "hard_bounce")
    await directory.deny(7, "mona@cust.example")
    return acme
