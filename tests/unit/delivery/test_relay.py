"""The relay's description: credentials stay hidden and never go where they could be seen."""

import pytest

from daemon.delivery.relay import Relay, Timeouts


@pytest.mark.parametrize(("tls", "verify"), [("none", True), ("none", False), ("starttls", False)])
def test_credentials_need_verified_tls(tls: str, verify: bool) -> None:
    """A relay that would send them before a verified handshake can't be made by accident."""
    with pytest.raises(ValueError, match="verified TLS"):
        Relay(host="r.test", tls=tls, verify=verify, username="u", password="p")  # type: ignore[arg-type]
    relay = Relay(
        host="r.test",
        tls=tls,  # type: ignore[arg-type]
        verify=verify,
        username="u",
        password="p",
        credentials_in_clear=True,
    )
    assert relay.may_authenticate


def test_credentials_do_not_show() -> None:
    """Neither name nor password is in what logs and tracebacks print."""
    relay = Relay(host="r.test", tls="implicit", username="canary", password="yellow")
    assert "canary" not in repr(relay)
    assert "yellow" not in repr(relay)


@pytest.mark.parametrize("name", ["", "a b", "a\r\nMAIL", "ü.test", "a SIZE=1"])
def test_the_hello_name_is_one_word(name: str) -> None:
    """Configuration can't smuggle anything into EHLO."""
    with pytest.raises(ValueError, match="EHLO"):
        Relay(host="r.test", local_hostname=name)


@pytest.mark.parametrize("host", ["", "a b", "a\r\nb"])
def test_the_host_is_one_word(host: str) -> None:
    """What can be no host name is refused where it is written."""
    with pytest.raises(ValueError, match="host"):
        Relay(host=host)


def test_labels() -> None:
    """host:port, an IPv6 address in brackets."""
    assert Relay(host="r.test", port=587).label == "r.test:587"
    assert Relay(host="::1").label == "[::1]:25"


def test_a_group_is_given_the_most_patient_of_its_limits() -> None:
    """MAIL, RCPT and DATA are written together and awaited together."""
    assert Timeouts(mail=1, rcpt=3, data=2).envelope == 3
