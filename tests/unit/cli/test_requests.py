"""As whom a command speaks, and what an answer means."""

from typing import Any

import orjson
import pytest

from daemon.cli import requests, verdicts
from daemon.cli.exits import Ended, Exit
from daemon.cli.requests import Voice
from daemon.config import Config


def config(**intake: Any) -> Config:
    """A configuration whose broker user is `ops`."""
    return Config.model_validate(
        {"rabbitmq": {"url": "amqp://ops:secret@127.0.0.1/"}, "intake": intake}
    )


def test_a_trusted_user_speaks_for_anybody() -> None:
    """The request of a trusted user names the customer it is for."""
    voice = requests.voice(config(trusted=["ops"]), 7)
    assert voice == Voice(user="ops", principal=7)
    assert orjson.loads(requests.body(voice, "cancel", {"job": "j"})) == {
        "v": 1, "command": "cancel", "job": "j", "principal": {"customer_id": 7},
    }  # fmt: skip


def test_a_known_user_speaks_for_his_own() -> None:
    """A user who is mapped to a customer needs no principal, and can't speak for others."""
    settings = config(users={"ops": 7})
    assert requests.voice(settings, 7) == requests.voice(settings, None) == Voice(user="ops")
    with pytest.raises(Ended, match="speaks for customer 7, not for customer 8"):
        requests.voice(settings, 8)


def test_a_principal_in_the_file_is_believed() -> None:
    """A trusted user's file may say as whom it speaks, instead of an option."""
    own = b'{"principal": {"customer_id": 8}, "v": 1}'
    assert requests.voice(config(trusted=["ops"]), None, own) == Voice(user="ops")
    with pytest.raises(Ended, match="leave out --customer"):
        requests.voice(config(trusted=["ops"]), 7, own)
    assert requests.voice(config(anonymous=1), None, own) == Voice(user=None)
    for body in (b"", b"{", b"[]", b'{"principal": null}'):
        assert requests.voice(config(trusted=["ops"]), None, body) == Voice(user=None)


def test_an_unknown_user_stays_anonymous() -> None:
    """A user whom the configuration doesn't know is better not named: he would be refused."""
    assert requests.voice(config(anonymous=1), None) == Voice(user=None)
    with pytest.raises(Ended, match="speaks for nobody"):
        requests.voice(config(), 1)


def test_numbers_stay_as_written() -> None:
    """A principal is put into a request without changing how its numbers are spelled."""
    spoken = requests.spoken(Voice(user="ops", principal=7), b' {"v": 1, "price": 9.90} ')
    assert spoken == b'{"principal":{"customer_id":7},"v": 1, "price": 9.90}'


def test_the_login_of_a_url() -> None:
    """The user is unquoted; without one it is RabbitMQ's own."""
    assert requests.login("amqp://a%40b:x@h/") == "a@b"
    assert requests.login("amqp://h/") == "guest"


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        (["param.missing", "param.invalid"], Exit.DATA),
        (["bad_json"], Exit.DATA),
        (["param.invalid", "not_found"], Exit.FAILED),
        (["state.conflict"], Exit.FAILED),
        (["rate.limited"], Exit.TEMPORARY),
        (["internal"], Exit.SOFTWARE),
    ],
)
def test_refusals_have_exit_codes(codes: list[str], code: Exit) -> None:
    """Whether the data were wrong, the state, or the moment, shows in the exit code."""
    errors = [{"code": one, "field": "f", "message": "m"} for one in codes]
    answer = {"ok": False, "errors": errors}
    assert verdicts.of(answer) is code
    refusal = verdicts.refusal(answer)
    assert refusal.code is code
    assert str(refusal).splitlines() == [f"refused: f: m ({one})" for one in codes]


def test_a_foreign_answer_is_no_refusal() -> None:
    """What a dialect answers is shown as it is."""
    assert verdicts.of({"status": "OK"}) is Exit.OK
    assert not verdicts.is_positive({"status": "OK"})
