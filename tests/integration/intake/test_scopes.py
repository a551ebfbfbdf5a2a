"""A key that is for some commands, at the queue."""

from daemon.directory import keys
from daemon.directory.keys import Created, Wanted
from tests.integration.intake.counter import ANN, KEY
from tests.integration.intake.house import House

CALL = {
    "method": "sendEmail",
    "email": "to@x.test",
    "sender_email": "me@x.test",
    "subject": "Hello",
    "message": "<p>Hello</p>",
}


async def _key(house: House, **wanted: tuple[str, ...]) -> Created:
    made = await keys.create(house.store, Wanted(customer=ANN, **wanted), key=KEY, by="test")
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
