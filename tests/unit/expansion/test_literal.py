"""What the address law says of recipients, before the database says the rest."""

from daemon.expansion import literal
from daemon.mail.request.recipients import Override, Recipient
from daemon.store.expansion import Asked


def _judged(*recipients: Recipient) -> list[Asked]:
    return list(literal.judged(recipients, place=1, need_dot=True))


def _to(address: str | None, override: Override | None = None) -> Recipient:
    return Recipient(address, None, {}, override)


def test_forms_of_an_address() -> None:
    """Sent to in its wire form, compared exactly, suppressed without case."""
    [asked] = _judged(_to(" Ann@München.TEST "))
    assert asked.address == asked.norm == "Ann@xn--mnchen-3ya.test"
    assert (asked.supp, asked.domain) == ("ann@xn--mnchen-3ya.test", "xn--mnchen-3ya.test")
    assert asked.refused is None


def test_nobody_and_nonsense() -> None:
    """No address and no valid address are told apart; the broken rule is named."""
    asked = _judged(_to(None), _to("  "), _to("nobody"), _to("x" * 999))
    assert [one.refused for one in asked] == ["no_address", "no_address", "invalid", "invalid"]
    assert asked[2].detail == "not exactly one @"
    assert len(asked[3].address or "") == 320


def test_different_mails_to_one_address() -> None:
    """Only what is really different makes a second mail (Q25)."""
    hashes = [
        one.override_hash
        for one in _judged(
            _to("a@x.test"),
            _to("a@x.test", Override(subject="one")),
            _to("a@x.test", Override(subject="two")),
            _to("a@x.test", Override(subject="one", text=None)),
        )
    ]
    assert len(set(hashes)) == 3
    assert hashes[1] == hashes[3]


def test_positions_are_those_of_the_request() -> None:
    """Whoever is dropped is found by his place."""
    assert [one.position for one in _judged(_to("a@x.test"), _to(None), _to("b@x.test"))] == [
        0,
        1,
        2,
    ]
