"""Files become rows: the good ones in, the others told of, and a second time nothing changes."""

import asyncio
from pathlib import Path

import pytest

from daemon.directory import importing, sheets
from daemon.store import door
from daemon.store import importing as statements
from daemon.tasks import Group
from tests.integration.directory import acme
from tests.integration.directory.conftest import Asked, Import, Written, rejects
from tests.waiting import until

PLANS = (
    "SELECT c.name, p.name FROM customer c JOIN rate_plan p ON p.id = c.plan_id"
    " WHERE c.id IN (7, 81) ORDER BY 1"
)
CHANGES = (
    "SELECT by, entity, deed, (detail->>'inserted')::int"
    " FROM change WHERE entity = 'list' ORDER BY id"
)
CONTACTS = "SELECT address, norm, first_name, fault FROM contact ORDER BY id"


def counts(done: list[importing.Imported]) -> list[tuple[int, int, int, int]]:
    """Inserted, updated, unchanged and rejected of each file."""
    return [(one.inserted, one.updated, one.unchanged, one.rejected) for one in done]


async def test_the_shared_directory(acmes: door.Store, asked: Asked, tmp_path: Path) -> None:
    """The fixture of the requirements comes in whole, and a second time changes nothing of it."""
    assert await asked("SELECT count(*) FROM customer WHERE id > 0") == [(12,)]
    assert await asked(PLANS) == [("Acme", "P1"), ("Other Child", "P2")]
    assert await asked("SELECT address, norm, position FROM person_email WHERE person_id IN (3, 6)"
                       " ORDER BY person_id, position") == [
        ("carl@north.example", "carl@north.example", 0),
        ("carl.alt@north.example", "carl.alt@north.example", 1),
        ("dana@Retail.EXAMPLE", "dana@retail.example", 0),
    ]  # fmt: skip
    assert await asked("SELECT privilege, access FROM role_privilege WHERE role_id = 3") == [
        ("send_emails", 2)
    ]
    assert await asked("SELECT scope, count(*) FROM suppression GROUP BY scope ORDER BY 1") == [
        ("all", 4), ("list", 1)
    ]  # fmt: skip
    assert await asked("SELECT fault FROM contact WHERE id = 2007") == [("not exactly one @",)]
    for part in ("tree", "people"):
        again = await acme.brought(acmes, acme.FIXTURES / part)
        assert [(one.inserted, one.updated, one.rejected) for one in again] == [(0, 0, 0)] * len(
            again
        )


async def test_good_rows_go_in(imports: Import, written: Written, asked: Asked) -> None:
    """Every bad row is told of with line, column and reason, and nothing of it is repeated."""
    path = written(
        "contact.csv",
        "customer_id,address,first_name,no_mailing",
        "0,Ann@X.Example,Ann,",
        "0,bob@x.example,Bob,perhaps",
        "seven,secret-mark,,",
        "9,carl@x.example,,",
        "0,Ann@x.example,Twin,",
        "0,dora@x.example",
        "0,bad@@list,,",
        "0,,Nobody,",
        "0,eve@x.example,Eve,yes",
    )
    [done] = await imports(path)
    assert (done.rows, *counts([done])[0], done.unfit) == (9, 3, 0, 0, 6, 1)
    assert await asked(CONTACTS) == [
        ("Ann@X.Example", "Ann@x.example", "Ann", None),
        ("bad@@list", "bad@@list", None, "not exactly one @"),
        ("eve@x.example", "eve@x.example", "Eve", None),
    ]
    told = rejects(path)
    assert told[:4] == [
        "3,no_mailing,must be true or false",
        "4,customer_id,must be a whole number from 0 to 9223372036854775807",
        "5,customer_id,no such customer",
        "6,address,stands in an earlier line",
    ]
    assert told[4].startswith('7,,"has 2 cells')
    assert told[5].startswith('9,,"one of address')
    assert "secret-mark" not in "".join(told)
    assert counts(await imports(path)) == [(0, 0, 3, 6)]


async def test_rejects_of_before_go(imports: Import, written: Written) -> None:
    """When nothing is rejected any more, no file says that something is."""
    assert counts(await imports(path := written("role.csv", "name,can_login", "a,b"))) == [
        (0, 0, 0, 1)
    ]
    assert rejects(path) == ["2,can_login,must be true or false"]
    assert counts(await imports(written("role.csv", "name,can_login", "a,no"))) == [(1, 0, 0, 0)]
    assert rejects(path) == []


async def test_what_a_file_has_no_column_for_stays(
    acmes: door.Store, imports: Import, written: Written, asked: Asked
) -> None:
    """Only what a file speaks of is changed; a blank cell takes a value away."""
    contact = written("contact.csv", "customer_id,address,last_name", "7,john@cust.example,Doe")
    person = written(
        "person.csv", "id,customer_id,addresses", "3,71,carl.alt@north.example", "4,711,"
    )
    role = written("role.csv", "name,description", "Reseller,sells")
    assert counts(await imports(contact, person, role)) == [
        (0, 1, 0, 0),
        (0, 2, 0, 0),
        (0, 1, 0, 0),
    ]
    assert await asked("SELECT first_name, last_name FROM contact WHERE id = 5380718") == [
        ("John", "Doe")
    ]
    assert await asked("SELECT username, role_id FROM person WHERE id = 3") == [("p3", 4)]
    assert await asked("SELECT address, position FROM person_email WHERE person_id IN (3, 4)") == [
        ("carl.alt@north.example", 0)
    ]
    assert await asked("SELECT count(*) FROM role_privilege WHERE role_id = 1") == [(2,)]
    assert counts(await imports(contact, person, role)) == [
        (0, 0, 1, 0),
        (0, 0, 2, 0),
        (0, 0, 1, 0),
    ]


async def test_customers_and_plans_come_together(
    imports: Import, written: Written, asked: Asked
) -> None:
    """Whoever depends on a row that was rejected is rejected too, at any remove and both ways."""
    customers = written(
        "customer.csv",
        "id,parent_id,name,plan_id,status",
        "10,12,under a cycle,,",
        "11,,over a plan,1,",
        "12,13,a cycle,,",
        "13,12,a cycle,,",
        "14,99,under nobody,,",
        "15,14,under who was rejected,,",
        "16,,of a plan of one,2,",
        "17,,deleted,,deleted",
        "18,17,under somebody deleted,,",
        "19,17,deleted too,,deleted",
        "20,,of no plan,77,",
        "21,20,under that,1,",
        "11,,twice,,",
    )
    plans = written(
        "plan.csv", "id,customer_id,name", "1,11,good", "2,15,of who was rejected", "3,0,root's"
    )
    assert counts(await imports(customers, plans)) == [(3, 0, 0, 10), (2, 0, 0, 1)]
    assert await asked("SELECT id, plan_id FROM customer WHERE id > 0 ORDER BY id") == [
        (11, 1), (17, None), (19, None)
    ]  # fmt: skip
    reasons = {line.split(",")[0]: line.split(",")[1] for line in rejects(customers)}
    assert reasons == {
        "2": "parent_id", "4": "parent_id", "5": "parent_id", "6": "parent_id", "7": "parent_id",
        "8": "plan_id", "10": "parent_id", "12": "plan_id", "13": "parent_id", "14": "",
    }  # fmt: skip
    assert counts(await imports(customers, plans)) == [(0, 0, 3, 10), (0, 0, 2, 1)]


async def test_the_tree_as_it_would_be(
    acmes: door.Store, imports: Import, written: Written, asked: Asked
) -> None:
    """A branch may move and go within one file, if the whole is lawful; else it stays as it was."""
    head = "id,parent_id,name,status"
    bad = written(
        "customer.csv", head, "7,7111,Acme,", "8,1,Other,deleted", "712,73,Wholesale,locked"
    )
    assert counts(await imports(bad)) == [(0, 0, 0, 3)]
    good = written(
        "customer.csv", head, "72,81,Acme South,", "7111,711,Kiosk,deleted", "711,71,Retail,deleted"
    )
    assert counts(await imports(good)) == [(0, 3, 0, 0)]
    moved = "SELECT id, parent_id, status FROM customer WHERE id IN (72, 711) ORDER BY id"
    assert await asked(moved) == [
        (72, 81, "active"), (711, 71, "deleted")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "rows", "column"),
    [
        ("person", ["id,customer_id,username", "1,8,p1"], "id"),
        ("person", ["customer_id,username,role", "7,new,Pilot"], "role"),
        ("person", ["id,customer_id,username", "77,7,p2"], "username"),
        ("agent", ["customer_id,person_id,kind", "7,3,owner"], "kind"),
        ("agent", ["customer_id,person_id", "7,99"], "person_id"),
        ("billing_contact", ["customer_id,person_id", "7,99"], "person_id"),
        ("contact", ["id,customer_id,address", "77,7,kate@cust.example"], "address"),
        ("contact", ["id,customer_id,address", "3001,7,a@x.example"], "id"),
        ("contact", ["customer_id,address,person_id", "7,a@x.example,99"], "person_id"),
        ("list", ["id,customer_id,name", "77,7,L5"], "name"),
        ("list_member", ["list_id,address", "5,zoe@other.example"], ""),
        ("list_member", ["list_id,contact_id", "8,1001"], ""),
        ("list_member", ["list_id,contact_id", "9,1001"], "list_id"),
        ("suppression", ["customer_id,address,kind,list_id", "7,a@x.example,manual,8"], "list_id"),
        ("sender", ["id,customer_id,address,transport_id", "1,7,a@x.example,2"], "transport_id"),
        ("campaign", ["id,customer_id,name,sender_id", "880,7,a,2"], "sender_id"),
        ("plan", ["id,customer_id,name", "1,7,P1"], "id"),
    ],
)
async def test_what_is_not_theirs(
    acmes: door.Store, imports: Import, written: Written, name: str, rows: list[str], column: str
) -> None:
    """A row that names what isn't there, or is another's, is a reject; nothing is stored of it."""
    path = written(f"{name}.csv", *rows)
    assert counts(await imports(path)) == [(0, 0, 0, 1)]
    [told] = rejects(path)
    assert told.startswith(f"2,{column},")


async def test_an_owner_may_change(
    acmes: door.Store, imports: Import, written: Written, asked: Asked
) -> None:
    """In one file one owner may follow another, in any order of lines."""
    path = written("agent.csv", "customer_id,person_id,kind", "7,2,owner", "7,1,agent")
    assert counts(await imports(path)) == [(0, 2, 0, 0)]
    assert await asked("SELECT person_id FROM agent WHERE kind = 'owner'") == [(2,)]


async def test_members_by_address_and_phone(
    acmes: door.Store, imports: Import, written: Written, asked: Asked
) -> None:
    """Whoever keeps lists elsewhere need not know our numbers of contacts."""
    path = written(
        "list_member.csv",
        "list_id,address,phone_number",
        "6,kate@CUST.example,",
        "6,,+375291110006",
    )
    assert counts(await imports(path)) == [(2, 0, 0, 0)]
    assert await asked("SELECT contact_id FROM list_member WHERE list_id = 6 ORDER BY 1") == [
        (1001,), (2001,), (2002,), (2006,)
    ]  # fmt: skip


async def test_numbers_go_on_behind_chosen_ones(
    acmes: door.Store, imports: Import, written: Written, asked: Asked
) -> None:
    """Whoever gets a number from us after an import gets one that nobody has."""
    async with acmes.session() as session:
        new = await session._connection.fetchval(
            "INSERT INTO contact (customer_id, phone_number) VALUES (7, 'x') RETURNING id"
        )
    assert new > 5380718
    await imports(written("contact.csv", "customer_id,address", "7,new@cust.example"))
    assert await asked("SELECT id > $1 FROM contact WHERE address = 'new@cust.example'", new) == [
        (True,)
    ]


async def test_every_change_has_a_name(
    acmes: door.Store, imports: Import, written: Written, asked: Asked
) -> None:
    """Who imported what is kept, and an import that changed nothing leaves nothing."""
    assert await asked(CHANGES) == [("test", "list", "imported", 3)]
    await acme.brought(acmes, acme.FIXTURES / "people")
    assert len(await asked(CHANGES)) == 1


async def test_imports_wait_for_each_other(
    store: door.Store, imports: Import, written: Written, asked: Asked
) -> None:
    """Of two at once the second sees what the first has stored, and changes nothing."""
    path = written("role.csv", "name", "one", "two")
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'"
    async with Group() as group, store.transaction() as session:
        await session.run("import.lock")
        both = [group.create_task(imports(path), name=f"import {n}") for n in range(2)]
        await until(lambda: _is(asked, waits, 2))
    assert sorted(counts(both[0].result() + both[1].result())) == [(0, 0, 2, 0), (2, 0, 0, 0)]


async def _is(asked: Asked, query: str, number: int) -> bool:
    return await asked(query) == [(number,)]


async def test_overtaken(acmes: door.Store, written: Written, asked: Asked) -> None:
    """What somebody else takes between judging and storing is told, and nothing is stored."""
    path = written("contact.csv", "customer_id,address", "7,new@cust.example")
    other = "INSERT INTO contact (customer_id, address, norm, supp, domain) SELECT 7, a, a, a, 'x'"
    async with acmes.session() as session, acmes.session() as rival:
        run = session._connection
        opened = run.transaction()
        await opened.start()
        await statements.begun(session)
        staged = await importing._staged(session, sheets.source(path, None), lambda _: None)
        await statements.judged(session, {"contact": [one.name for one in staged.columns]})
        await rival._connection.execute(f"{other} FROM (VALUES ('new@cust.example')) v (a)")
        with pytest.raises(statements.Overtaken, match="contact_one_per_address"):
            await statements.merged(session, "contact", has_ids=False)
        await opened.rollback()
    assert await asked("SELECT count(*) FROM contact WHERE norm = 'new@cust.example'") == [(1,)]


async def test_cancelled(store: door.Store, written: Written, asked: Asked) -> None:
    """An import that is broken off has stored nothing, and left no file of rejects behind."""
    path = written("role.csv", "name,can_login", "a,maybe", "b,yes")
    started = asyncio.Event()

    def step(_: int) -> None:
        started.set()
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await importing.imported(store, [sheets.source(path, None)], by="test", step=step)
    assert started.is_set()
    assert await asked("SELECT count(*) FROM role") == [(0,)]
    assert sorted(one.name for one in path.parent.iterdir()) == ["role.csv"]
