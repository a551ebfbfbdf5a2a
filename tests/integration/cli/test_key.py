"""`deliveryd key`, as it is typed."""

import io

import pytest

from daemon.directory.principals import Principals
from daemon.store import instances
from tests.integration.cli.conftest import Typed
from tests.integration.dispatch.conftest import Ground


async def test_made_listed_and_revoked(ground: Ground, typed: Typed) -> None:
    """A token is shown once, and good until it is revoked; the second time nothing changes."""
    words = ("--customer", "1", "--scope", "send", "--expires", "+1d", "--json")
    made = (await typed("key", "create", *words)).document
    key = await instances.hash_key(ground.store)
    who = await Principals(ground.store, key=key).of_token("form_token", "", made["token"])
    assert who is not None
    assert not who.covers("status")
    shown = await typed("key", "list")
    assert made["token"][:8] in shown.out
    assert made["token"] not in shown.out
    number = str(made["key"])
    assert (await typed("key", "revoke", number)).code == 0
    again = await typed("key", "revoke", number, "--json")
    assert (again.code, again.document["unchanged"]) == (0, True)
    assert (await typed("key", "list", "--json")).document["keys"] == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["create", "--customer", "77"], 1, "there is no customer 77"),
        (["create", "--customer", "1", "--person", "5"], 1, "somebody of number 5"),
        (["create", "--customer", "1", "--scope", "sent"], 2, "Is it send?"),
        (["create", "--customer", "1", "--from", "home"], 2, "is no network"),
        (["create", "--customer", "1", "--expires", "-1h"], 2, "must lie ahead"),
        (["revoke", "77"], 1, "names no key"),
    ],
)
async def test_what_is_no_key(
    ground: Ground, typed: Typed, words: list[str], code: int, said: str
) -> None:
    """Nothing is made of what nobody could use, and a line says why."""
    ended = await typed("key", *words)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert await ground.bare.fetchval("SELECT count(*) FROM api_key") == 0


async def test_the_configurations_own(ground: Ground, typed: Typed) -> None:
    """What the configuration brought it would bring again: it is taken out there."""
    number = await ground.bare.fetchval(
        "INSERT INTO api_key (customer_id, scheme, key_hash) VALUES (1, 'form_token', 'x')"
        " RETURNING id"
    )
    ended = await typed("key", "revoke", str(number))
    assert ended.code == 1
    assert "take it out of there" in ended.err


async def test_a_password(ground: Ground, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script gives one by standard input; one that is too short is none."""
    person = await ground.bare.fetchval("INSERT INTO person (customer_id) VALUES (1) RETURNING id")
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert (await typed("directory", "password", str(person))).code == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert (await typed("directory", "password", str(person))).code == 0
    kept = await ground.bare.fetchval("SELECT password_hash FROM person")
    assert kept.startswith("$argon2id$")
    assert (await typed("directory", "password", str(person), "--remove")).code == 0
    assert await ground.bare.fetchval("SELECT password_hash FROM person") is None
    assert (await typed("directory", "password", "77", "--remove")).code == 1
