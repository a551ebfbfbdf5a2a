"""How durations, sizes, secrets and places to listen at are written."""

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config import Address, Secret, values


@pytest.mark.parametrize(
    ("written", "meant"),
    [("250ms", 0.25), ("20s", 20.0), ("1.5m", 90.0), ("1h", 3600.0), ("7d", 604800.0)],
)
def test_duration(written, meant):
    """Every unit means what it says, in seconds."""
    assert math.isclose(values.seconds(written), meant)


@pytest.mark.parametrize(
    "written", [20, 20.0, "20", "", "s", "-1s", "0s", "1w", "1 s 2", "٣s", None], ids=repr
)
def test_duration_needs_its_unit(written):
    """A number without unit, of nothing or of an unknown unit is refused."""
    with pytest.raises(ValueError, match=r"unit|longer"):
        values.seconds(written)


@given(st.integers(min_value=1, max_value=10**9))
def test_duration_is_spelled_as_it_is_read(count):
    """What `spelled` writes, `seconds` reads back."""
    length = count / 1000
    spelled = values.spelled(length, values.AS_DURATION)
    assert math.isclose(values.seconds(spelled), length)


@pytest.mark.parametrize(("written", "meant"), [("1B", 1), ("512KiB", 524288), ("40MiB", 41943040)])
def test_size(written, meant):
    """Sizes are binary and come out in octets."""
    assert values.octets(written) == meant
    assert values.spelled(meant, values.AS_SIZE) == written


@pytest.mark.parametrize("written", [40, "40", "40MB", "0MiB", "1.5MiB", None], ids=repr)
def test_size_needs_its_unit(written):
    """A size without unit, or in a decimal one, is refused."""
    with pytest.raises(ValueError, match=r"unit|more"):
        values.octets(written)


@pytest.mark.parametrize(
    ("written", "host", "port"),
    [("127.0.0.1:9250", "127.0.0.1", 9250), ("[::1]:0", "::1", 0), ("host:65535", "host", 65535)],
)
def test_address(written, host, port):
    """Host and port, with brackets around IPv6, and back again."""
    address = Address.parse(written)
    assert (address.host, address.port) == (host, port)
    assert str(address) == written


@pytest.mark.parametrize("written", ["", "host", "host:", ":80", "host:x", "host:65536", 80, None])
def test_address_needs_both(written):
    """Neither host nor port is guessed."""
    with pytest.raises(ValueError, match="must"):
        Address.parse(written)


@pytest.mark.parametrize("written", ["", "a b", "a\r\nb", "a\x00"])
def test_a_server_is_one_word(written):
    """What can be no host name is refused where it is written, in EHLO as well."""
    for name in (values.host, values.hello):
        with pytest.raises(ValueError, match="host name"):
            name(written)


def test_secret_sources(tmp_path):
    """A secret is literal, or comes from the environment, a file or a systemd credential."""
    (tmp_path / "dsn").write_text("hidden\n")
    environ = {"NAME": "hidden", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    for written in ("hidden", "env:NAME", f"file:{tmp_path}/dsn", "credential:dsn"):
        assert Secret.parse(written, environ).reveal() == "hidden"
    assert Secret.parse("amqp://host", environ).reveal() == "amqp://host"


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("env:NOWHERE", "NOWHERE"),
        ("file:/nowhere/x", "/nowhere/x"),
        ("credential:x", "CREDENTIALS_DIRECTORY"),
        (5, "must be text"),
    ],
)
def test_secret_that_is_not_there(written, named):
    """A missing secret is named by its place."""
    with pytest.raises(ValueError, match=named):
        Secret.parse(written, {})


def test_credential_stays_in_its_folder(tmp_path):
    """A credential's name can't climb out of the credentials directory."""
    with pytest.raises(ValueError, match="without folders"):
        Secret.parse("credential:../x", {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_secret_hides():
    """No usual way of showing a secret shows it, and serialisers refuse it."""
    secret = Secret("canary")
    assert "canary" not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        orjson.dumps(secret)
    assert secret == Secret("canary") != Secret("other")
    assert not Secret()
