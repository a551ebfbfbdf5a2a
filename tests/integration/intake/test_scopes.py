"""Keys at the queue: for some commands, bound to a network, named by a trusted user."""

from typing import Any

from daemon.config import Config
from daemon.directory import keys
from daemon.directory.keys import Created, Wanted
from tests.integration.intake.counter import ANN, BOB, KEY, send
from tests.integration.intake.house import House

CALL = {
    "method": "sendEmail",
    "email": "to@x.test",
    "sender_email": "me@x.test",
    "subject": "Hello",
    "message": "<p>Hello</p>",
}
_SENDER = """
WITH role AS (INSERT INTO role (name, can_login) VALUES ('Sender', true) RETURNING id),
privilege AS (INSERT INTO role_privilege (role_id, privilege, access)
              SELECT id, 'send_emails', 1 FROM role)
INSERT INTO person (customer_id, role_id) SELECT $1, id FROM role RETURNING id
"""


async def _key(house: House, **wanted: Any) -> Created:
    made = await keys.create(house.store, Wanted(**{"customer": ANN, **wanted}), key=KEY, by="test")
    assert made is not None
    return made


async def test_out_of_scope(house: House) -> None:
    """What a key isn't for is refused before anything is looked at, its faults too."""
    narrow = await _key(house, scopes=("status",))
    for call in (CALL, {"method": "sendEmail"}):
        refused = await house.ask(call | {"token": narrow.token}, type="smsby")
        assert refused["status"] == "error"
        assert "isn't meant for this command" in refused["message"]
    assert await house.value("SELECT count(*) FROM job") == 0
    wide = await _key(house, scopes=("send",))
    assert (await house.ask(CALL | {"token": wide.token}, type="smsby"))["status"] == "OK"


async def test_bound_to_a_network(house: House) -> None:
    """Nobody can show at the queue where he comes from: such a key is as good as unknown there."""
    bound = await _key(house, sources=("192.0.2.0/24",))
    refused = await house.ask(CALL | {"token": bound.token}, type="smsby")
    unknown = await house.ask(CALL | {"token": "guess"}, type="smsby")
    assert refused == unknown


async def test_of_somebody_bound_to_a_network(house: House, settings: Config) -> None:
    """So it is with a key of a person who may come from some networks only."""
    person = await house.value(_SENDER, ANN)
    his = await _key(house, person=person)
    assert (await house.ask(CALL | {"token": his.token}, type="smsby"))["status"] == "OK"
    await house.value(
        "UPDATE person SET allowed_sources = '{192.0.2.0/24}' WHERE id = $1 RETURNING id", person
    )
    house.intake.reload(settings)
    refused = await house.ask(CALL | {"token": his.token}, type="smsby")
    assert refused == await house.ask(CALL | {"token": "guess"}, type="smsby")


async def test_named_by_whom_we_trust(house: House, settings: Config, user: str) -> None:
    """A key that he names must be the customer's and not be over; its person and scopes hold."""
    trusted = settings.intake.model_copy(update={"trusted": (user,)})
    house.intake.reload(settings.model_copy(update={"intake": trusted}))
    person = await house.value(_SENDER, ANN)
    his, narrow = await _key(house, person=person), await _key(house, scopes=("status",))
    theirs, over = await _key(house, customer=BOB), await _key(house)
    await keys.revoke(house.store, over.id, by="test")

    async def ask(key: int, **more: Any) -> list[tuple[str, str]]:
        named = {"customer_id": ANN, "api_key_id": key, **more}
        answer = await house.ask(send(principal=named, dry_run="x"), user_id=user)
        return [(error["code"], error["field"]) for error in answer["errors"]]

    unknown = [("auth.invalid", "principal.api_key_id")]
    for key in (theirs.id, over.id, 10**6):
        assert await ask(key) == unknown
    assert await ask(his.id, person_id=person + 1) == unknown
    assert await ask(narrow.id) == [("forbidden.role", "")]
    assert await ask(his.id) == [("param.invalid", "dry_run")]
    named = {"customer_id": ANN, "api_key_id": his.id}
    assert (await house.ask(send(principal=named), user_id=user))["ok"]
    assert await house.value("SELECT person_id FROM job") == person
