"""Whoever is meant, by the tree of requirements 3.1: each term, and what counts against whom."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from daemon.mail.request.audience import Billing, Contacts, Me, Members, People, Term
from daemon.mail.request.recipients import Recipient, Recipients
from daemon.store import door
from tests.integration.expansion.ground import Ground
from tests.integration.expansion.people import Directory


@pytest.fixture(params=[False, True], ids=["few", "many"])
async def ground(acmes: door.Store, request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    """The shared directory."""
    async with acmes.transaction() as session:
        directory = Directory(session._connection)
        yield Ground(session=session, directory=directory, is_many=request.param)


L5, L6 = Members(id=5), Members(id=6)


def below(*kinds: str) -> list[Term]:
    """Terms such as `people descendants`."""
    made: dict[str, Any] = {"people": People, "billing": Billing}
    return [made[kind.split()[0]](scope=kind.split()[1]) for kind in kinds]


@pytest.mark.parametrize(
    ("term", "acting", "addresses"),
    [
        ("billing children", 7, ["bill@north.example"]),
        ("billing descendants", 7, ["bill@north.example", "dana@retail.example",
                                    "acc1@wholesale.example", "acc2@wholesale.example"]),
        ("billing self", 7, ["bill7@acme.example"]),
        ("people self", 7, ["ann@acme.example", "bob@acme.example"]),
        ("people children", 7, ["carl@north.example", "carl.alt@north.example",
                                "fred@south.example"]),
        ("people descendants", 7, ["carl@north.example", "carl.alt@north.example",
                                   "dana@retail.example", "eve@wholesale.example",
                                   "fred@south.example", "ANN@acme.example"]),
        ("billing children", 71, ["dana@retail.example", "acc1@wholesale.example",
                                  "acc2@wholesale.example"]),
        ("billing descendants", 71, ["dana@retail.example", "bill@north.example",
                                     "acc1@wholesale.example", "acc2@wholesale.example"]),
        ("people self", 71, ["carl@north.example", "carl.alt@north.example"]),
        ("people descendants", 71, ["dana@retail.example", "eve@wholesale.example"]),
        ("billing children", 7111, []),
        ("billing descendants", 7111, []),
        ("people self", 7111, ["dana@retail.example"]),
    ],
)  # fmt: skip
async def test_the_tree(ground: Ground, term: str, acting: int, addresses: list[str]) -> None:
    """T001–T007, T020: each term reaches exactly those of the fixture, in anybody's name.

    The branch under 73, who is deleted, is cut, the locked 712 is not; nobody reaches his own own.
    """
    assert sorted(await ground.reached(*below(term), acting=acting)) == sorted(addresses)


async def test_purpose_decides(ground: Ground) -> None:
    """Q3: a bill reaches gina, who is unsubscribed from everything; a newsletter doesn't."""
    bills = await ground.reached(*below("billing descendants"), marketing=False)
    assert "gina@south.example" in bills
    assert len(bills) == 5
    await ground.directory.deny(7, "acc1@wholesale.example", "complaint")
    assert "acc1@wholesale.example" not in await ground.reached(
        *below("billing descendants"), marketing=False
    )


async def test_everyone_is_accounted_for(ground: Ground) -> None:
    """T007: nine were asked for: six, one suppressed, one without address, one twice."""
    assert await ground.counts(*below("people descendants")) == {
        "requested": 9, "queued": 6, "suppressed": 1, "no_address": 1, "duplicate": 1,
    }  # fmt: skip


async def test_me_is_who_asks(ground: Ground) -> None:
    """T006: whoever asks, at all his addresses, in whose name it may be."""
    assert await ground.reached(Me(), person=1) == ["ann@acme.example"]
    assert await ground.reached(Me(), person=1, acting=71) == ["ann@acme.example"]
    assert await ground.reached(Me(), person=3) == ["carl.alt@north.example", "carl@north.example"]


async def test_a_list(ground: Ground) -> None:
    """Who left this list or all, whose mail bounced, who has no address or none that is one."""
    assert await ground.counts(L5) == {
        "requested": 7, "queued": 2, "suppressed": 3, "no_address": 1, "invalid": 1,
    }  # fmt: skip
    assert await ground.reached(L5) == ["m1@list.example", "m5@list.example"]


async def test_who_left_one_list_is_reached_by_another(ground: Ground) -> None:
    """Of several ways in, the first counts by which somebody may be written to."""
    reached = await ground.reached(L5, L6)
    assert sorted(reached) == ["m1@list.example", "m2@list.example", "m5@list.example"]
    found, job = await ground.expand(L5, L6)
    assert found.counts["requested"] == 9
    path = await ground.directory.run(
        "SELECT path FROM delivery WHERE job_id = $1 AND address LIKE 'm2@%'", job
    )
    assert path == {"term": 1, "type": "list", "list": 6, "contact": 2002}


async def test_a_list_that_was_joined_again(ground: Ground) -> None:
    """Q23: unsubscribed from everything, then subscribed to one list: written to by that list."""
    await ground.directory.deny(7, "m3@list.example", list_id=5, effect="allow")
    await ground.directory.deny(7, "m4@list.example", list_id=5, effect="allow")
    reached = await ground.reached(L5)
    assert reached == ["m1@list.example", "m3@list.example", "m5@list.example"]


async def test_contacts_by_id(ground: Ground) -> None:
    """T027, T028: unknown ones and those of others are not found, alike; the rest is sent."""
    wanted = (1001, 1003, 1004, 3001, 424242)
    assert await ground.counts(Contacts(ids=wanted)) == {
        "requested": 5, "queued": 1, "no_address": 1, "suppressed": 1, "not_found": 2,
    }  # fmt: skip
    assert await ground.reached(Contacts(ids=wanted)) == ["kate@cust.example"]


async def test_whoever_is_left_out(ground: Ground) -> None:
    """Whoever `exclude` yields is counted as excluded, before duplicates are."""
    found = await ground.counts(
        *below("people descendants"), exclude=(*below("billing children"), People(scope="self"))
    )
    assert found["queued"] == 6
    gone = Recipients(items=(Recipient("dana@RETAIL.example", None, {}),))
    assert await ground.counts(*below("people descendants"), exclude=(gone,)) == {
        "requested": 9, "queued": 5, "suppressed": 1, "no_address": 1, "excluded": 2,
    }  # fmt: skip


async def test_a_union(ground: Ground) -> None:
    """Terms of all kinds together, those the parcel names among them: each address once."""
    named = Recipients(items=(
        Recipient("new@x.example", "New", {"a": "1"}), Recipient("ann@acme.example", None, {}),
        Recipient("nonsense", None, {}), Recipient(None, None, {}),
    ))  # fmt: skip
    terms = (named, Me(), *below("people self"), L6)
    assert await ground.counts(*terms, person=1) == {
        "requested": 9, "queued": 5, "duplicate": 2, "invalid": 1, "no_address": 1,
    }  # fmt: skip
    assert await ground.reached(*terms, person=1) == [
        "ann@acme.example", "bob@acme.example", "m1@list.example", "m2@list.example",
        "new@x.example",
    ]  # fmt: skip


async def test_the_first_way_in_counts(ground: Ground) -> None:
    """2.2: of duplicates the first is kept, with the name, the variables and the path of it."""
    named = Recipients(items=(Recipient("bob@ACME.example", "Robert", {"a": "1"}),))
    kept = "SELECT to_jsonb(array[name, vars ->> 'a', path ->> 'type']) FROM delivery"
    for terms, expected in (
        ((named, *below("people self")), ["Robert", "1", "recipients"]),
        ((*below("people self"), named), [None, None, "people"]),
    ):
        _, job = await ground.expand(*terms)
        assert await ground.directory.run(
            f"{kept} WHERE job_id = $1 AND address = 'bob@acme.example'", job
        ) == expected  # fmt: skip


async def test_a_domain_of_other_letters(ground: Ground) -> None:
    """2.2: the domain goes out in lower case and as an A-label, the local part as it is."""
    await ground.directory.customer(70, 71)
    for address in ("Ida@Bücher.Example", "Ida@xn--bcher-kva.example", "ida@bücher.example"):
        await ground.directory.person(70, address)
    found, job = await ground.expand(People(scope="self"), acting=70)
    assert await ground.addresses(job) == ["Ida@xn--bcher-kva.example", "ida@xn--bcher-kva.example"]
    assert found.counts["duplicate"] == 1


async def test_who_is_not_there_any_more(ground: Ground) -> None:
    """T005: the retired are inactive, the deleted aren't there, no_mailing is unsubscribed."""
    directory = ground.directory
    await directory.person(7, "old@acme.example", number=20, retired=True)
    await directory.person(7, "gone@acme.example", number=21, deleted_at=datetime.now(UTC))
    await directory.person(7, "shy@acme.example", number=22, no_mailing=True)
    assert await ground.counts(*below("people self")) == {
        "requested": 4, "queued": 2, "inactive": 1, "suppressed": 1,
    }  # fmt: skip
    assert "shy@acme.example" in await ground.reached(*below("people self"), marketing=False)


async def test_the_dropped_say_how_they_came_in(ground: Ground) -> None:
    """Whoever isn't delivered to is listed with the reason, the rule, and the path to him."""
    _, job = await ground.expand(L5)
    rows = await ground.session._connection.fetch(
        "SELECT address, reason, detail, path FROM dropped_recipient WHERE job_id = $1"
        " AND reason <> 'suppressed' ORDER BY id",
        job,
    )
    path = {"term": 0, "type": "list", "list": 5}
    assert [tuple(row) for row in rows] == [
        (None, "no_address", None, path | {"contact": 2006}),
        ("bad@@list", "invalid", "not exactly one @", path | {"contact": 2007}),
    ]


async def test_what_people_bring(ground: Ground) -> None:
    """A delivery has the display name and the variables of whoever it is for."""
    await ground.directory.person(
        711, "lea@retail.example", forename="Lea", surname="Lund", company="Retail", number=99
    )
    _, job = await ground.expand(*below("people descendants"))
    row = await ground.session._connection.fetchrow(
        "SELECT name, vars, path FROM delivery WHERE job_id = $1 AND address LIKE 'lea@%'", job
    )
    assert row["name"] == "Lea Lund"
    assert row["vars"] == {"first_name": "Lea", "last_name": "Lund", "company": "Retail"}
    assert row["path"] == {"term": 0, "type": "people", "customer": 711, "person": 99}
