"""Who is meant, and who may ask: the cases of the requirements (3.2, 3.3) by native requests."""

import json

from tests.stories import asks
from tests.stories.acme import faults, of, reached, refused, send
from tests.stories.house import ONE_LOOP, House
from tests.waiting import until

pytestmark = ONE_LOOP

BILLS = ("bill@north.example", "dana@retail.example", "acc1@wholesale.example",
         "acc2@wholesale.example", "gina@south.example")  # fmt: skip
BELOW = ("carl@north.example", "carl.alt@north.example", "fred@south.example",
         "dana@retail.example", "eve@wholesale.example", "ANN@acme.example")  # fmt: skip
_CALL = {"email": "a@x.example", "sender_email": asks.FROM, "subject": "Hello", "message": "Hello"}


async def test_t001(furnished: House) -> None:
    """T001: the billing contacts of one's children: neither one's own, nor a grandchild's."""
    await reached(furnished, send(1, "billing children"), "bill@north.example")


async def test_t002(furnished: House) -> None:
    """T002: all five below, each once; the locked one's too, none under somebody deleted."""
    await reached(furnished, send(1, "billing descendants"), *BILLS, duplicate=1)


async def test_t003(furnished: House) -> None:
    """T003: of 71, in whose name it is asked for, the contact is out, but not his address."""
    body = send(1, "billing descendants", act_as_customer=71)
    await reached(furnished, body, *BILLS[1:4], "bill@NORTH.example")


async def test_t005(furnished: House) -> None:
    """T005: one's own people, but the pseudo, the retired, the deleted, and who wants no mail."""
    gone = (
        "INSERT INTO person (id, customer_id, retired) VALUES (91, 7, true)",
        "INSERT INTO person (id, customer_id, deleted_at) VALUES (92, 7, now())",
        "INSERT INTO person (id, customer_id, no_mailing) VALUES (93, 7, true)",
        (
            "INSERT INTO person_email (person_id, address, norm, supp, domain) SELECT id, a, a, a,"
            " 'acme.example' FROM person, LATERAL (SELECT 'gone' || id || '@acme.example') AS n (a)"
            " WHERE id > 90"
        ),
    )
    for statement in gone:
        await furnished.rows(statement)
    body = send(1, "people self", purpose="marketing")
    own = ("ann@acme.example", "bob@acme.example")
    await reached(furnished, body, *own, inactive=1, suppressed=1)
    await furnished.rows("DELETE FROM person WHERE id > 90")


async def test_t006(furnished: House) -> None:
    """T006: `me` is who asks, in whose name it may be, at all his addresses."""
    await reached(furnished, send(1, "me"), "ann@acme.example")
    await reached(furnished, send(1, "me", act_as_customer=71), "ann@acme.example")
    await reached(furnished, send(3, "me"), "carl@north.example", "carl.alt@north.example")


async def test_t007(furnished: House) -> None:
    """T007: everyone below: nine were asked for, six get it, one of each isn't written to."""
    body = send(1, "people descendants", purpose="marketing")
    await reached(furnished, body, *BELOW, suppressed=1, no_address=1, duplicate=1)


async def test_t020(furnished: House) -> None:
    """T020: whom nobody is below of gets an answer, a completed job, and no connection."""
    before = await furnished.sink.control.stats()
    for term in ("billing children", "billing descendants", "people descendants"):
        await reached(furnished, send(1, term, act_as_customer=7111))
    after = await furnished.sink.control.stats()
    assert after["connections"] == before["connections"]


async def test_t016(furnished: House) -> None:
    """T016: who isn't there, is gone or kept out hears that, and nothing of what else is wrong."""
    await furnished.rows("UPDATE person SET deleted_at = now() WHERE id = 12")
    who = [of(12), of(1, 8), of(999_999, 7)]
    broken = {"purpose": "fun", "messages": [], "audience": [{"type": "list", "id": 424_242}]}
    bodies = [asks.send([], **more, principal=one) for one in who for more in ({}, broken)]
    said = await refused(furnished, *bodies)
    assert said == [[("auth.invalid", "principal.person_id")]] * 6
    nobody = [send(None, "people self", customer=999_999, **more) for more in ({}, broken)]
    assert await refused(furnished, *nobody) == [[("auth.invalid", "principal.customer_id")]] * 2


async def test_t016_by_token(furnished: House) -> None:
    """T016, T036: a token unknown or over, of somebody gone, of another network: the same words.

    Faults besides aren't looked at. At the queue nobody comes from a network that could be told.
    """
    await furnished.rows("INSERT INTO person (id, customer_id) VALUES (94, 7)")
    tokens = [
        "guessed",
        await _token(furnished, is_over=True),
        await _token(furnished, "--from", "192.0.2.0/24"),
        await _token(furnished, "--person", "2"),
        await _token(furnished, "--person", "94"),
    ]
    await furnished.rows("UPDATE person SET allowed_sources = '{192.0.2.0/24}' WHERE id = 2")
    await furnished.rows("UPDATE person SET deleted_at = now() WHERE id = 94")
    said = []
    for token in tokens:
        for more in (_CALL, {}):
            call = {"method": "sendEmail", "token": token, **more}
            asked = await furnished.producer.ask(call, kind="smsby")
            await furnished.events.rejected(asked.message_id)
            said.append(json.dumps(asked.said))
    assert set(said) == {said[0]}
    assert "credentials" in said[0]


async def test_a_key_is_revoked(furnished: House) -> None:
    """A token that was good is nobody's any more a few seconds after it was taken back."""
    _, made = await furnished.typed("key", "create", "--customer", "7")
    call = {"method": "sendEmail", "token": made["token"], **_CALL}
    assert (await furnished.producer.ask(call, kind="smsby")).done["status"] == "OK"
    await furnished.typed("key", "revoke", str(made["key"]), "--yes")

    async def is_unknown() -> bool:
        asked = await furnished.producer.ask(call, kind="smsby")
        return asked.said["status"] == "error" and "credentials" in asked.said["message"]

    await until(is_unknown)


async def _token(house: House, *words: str, is_over: bool = False) -> str:
    _, made = await house.typed("key", "create", "--customer", "7", *words)
    if is_over:
        await house.typed("key", "revoke", str(made["key"]), "--yes")
    return str(made["token"])


async def test_t017(furnished: House) -> None:
    """T017: whose role doesn't let him send, or lets him look only, hears that before all else.

    So it is with taking mail back; to ask how it stands it is enough to look.
    """
    who = (2, 8)
    bodies = [send(person, "ann@x.example", **more) for person in who for more in ({}, {"v2": 1})]
    assert await refused(furnished, *bodies) == [[("forbidden.role", "")]] * 4
    job = "01a21800-4d0c-7cfb-9556-97c27b4c4c5b"
    looks, sees_nothing = of(8), of(2)
    status, cancel = (asks.command(name, job=job) for name in ("status", "cancel"))
    asked = [await furnished.producer.ask(one | {"principal": who}) for one, who in (
        (status, looks), (cancel, looks), (status, sees_nothing), (cancel, sees_nothing),
    )]  # fmt: skip
    assert [faults(one) for one in asked] == [[("not_found", "job")]] + [
        [("forbidden.role", "")]
    ] * 3


async def test_the_order_of_the_checks(furnished: House) -> None:
    """Who (401), then his role (402), then his customer's plan (403), and then the content."""
    broken = {"purpose": "fun"}
    role = "UPDATE person SET role_id = (SELECT id FROM role WHERE name = $1) WHERE id = 12"
    await furnished.rows("UPDATE person SET deleted_at = NULL WHERE id = 12")
    await furnished.rows(role, "User")
    expected = [("forbidden.role", ""), ("forbidden.plan", ""), ("param.invalid", "purpose")]
    said = []
    for change in (
        (role, "Sender"),
        ("UPDATE customer SET plan_id = 1 WHERE id = 8",),
        ("SELECT 1",),
    ):
        await furnished.daemons[0].reloaded()
        said += await refused(furnished, send(12, "ivan@other.example", **broken))
        await furnished.rows(*change)
    assert [one for [one] in said] == expected


async def test_t019(furnished: House) -> None:
    """T019: another's customer is one that isn't there; for others one needs the privilege."""
    said = await refused(
        furnished,
        send(1, "people self", act_as_customer=8),
        send(1, "people self", act_as_customer=999_999),
        send(3, "people self", act_as_customer=711),
        send(3, "people self", act_as_customer=8),
        send(3, "billing descendants"),
    )
    assert said[:2] == [[("not_found", "act_as_customer")]] * 2
    assert said[2:] == [[("forbidden.role", "")]] * 3


async def test_t027(furnished: House) -> None:
    """T027: contacts by id: who isn't there isn't found, nor is one of another customer's."""
    found = {"type": "contacts", "ids": [1001, 424_242]}
    await reached(furnished, send(1, found), "kate@cust.example", not_found=1)
    for number in (424_242, 3001):
        await reached(furnished, send(1, {"type": "contacts", "ids": [number]}), not_found=1)
    letters = {"type": "contacts", "ids": [1001, "abc"]}
    assert await refused(furnished, send(1, letters)) == [[("param.invalid", "audience[0].ids[1]")]]


async def test_t028(furnished: House) -> None:
    """T028: only kate: one has no address, and mona is unsubscribed from everything."""
    body = send(1, {"type": "contacts", "ids": [1001, 1003, 1004]}, purpose="marketing")
    await reached(furnished, body, "kate@cust.example", no_address=1, suppressed=1)


async def test_a_list(furnished: House) -> None:
    """L5 has seven, of whom two get it: not who left it or all, nor whose mail bounced."""
    body = send(1, {"type": "list", "id": 5}, purpose="marketing")
    some = ("m1@list.example", "m5@list.example")
    await reached(furnished, body, *some, suppressed=3, no_address=1, invalid=1)
    both = send(1, {"type": "list", "id": 5}, {"type": "list", "name": "L6"}, purpose="marketing")
    dropped = {"suppressed": 2, "duplicate": 2, "no_address": 1, "invalid": 1}
    await reached(furnished, both, *some, "m2@list.example", **dropped)


async def test_t100(furnished: House) -> None:
    """T100: another's list, by number or by name, is one that isn't there."""
    wanted = [{"type": "list", "id": 8}, {"type": "list", "name": "L8"}, {"type": "list", "id": 99}]
    said = await refused(furnished, *(send(1, one) for one in wanted))
    assert said == [[("not_found", f"audience[0].{one}")] for one in ("id", "name", "id")]
