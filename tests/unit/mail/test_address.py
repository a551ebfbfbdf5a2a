"""The address law."""

import email_validator
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.mail import address
from daemon.mail.address import Address, Invalid

ATEXT = "abcXYZ019!#$%&'*+/=?^_`{|}~-"
ATOMS = st.lists(st.text(ATEXT, min_size=1, max_size=9), min_size=1, max_size=9).map(".".join)
LABELS = st.lists(st.text("aZ1-", min_size=1, max_size=64), min_size=1, max_size=9).map(".".join)
ADDRESS_LIKE = st.builds("{}@{}".format, ATOMS, LABELS) | st.builds(
    "{}@{}".format, st.text(ATEXT + '"\\ .(),<>é', max_size=70), LABELS | st.text(max_size=12)
)


def reason(text, **options):
    """Why a text is refused."""
    verdict = address.check(text, **options)
    assert isinstance(verdict, Invalid)
    return verdict.reason


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("a@x.example", "a@x.example"),
        ("Ann.Lee+News@Mail.X.Example", "Ann.Lee+News@mail.x.example"),
        ("INFO@X.example", "INFO@x.example"),
        ("a@x.test", "a@x.test"),
        ("a@mail.localhost", "a@mail.localhost"),
        ("a@x.invalid", "a@x.invalid"),
        ("a@printer.local", "a@printer.local"),
        ('"a b"@x.example', '"a b"@x.example'),
        ('"a..b"@x.example', '"a..b"@x.example'),
        ('"Plain"@x.example', "Plain@x.example"),
        ("a@пример.бел", "a@xn--e1afmkfd.xn--90ais"),
        ("INFO@ПРИМЕР.бел", "INFO@xn--e1afmkfd.xn--90ais"),
        ("a@XN--E1AFMKFD.xn--p1ai", "a@xn--e1afmkfd.xn--p1ai"),
        ("a@faß.example", "a@xn--fa-hia.example"),
        ("x" * 64 + "@y.example", "x" * 64 + "@y.example"),
    ],
)
def test_accepted(text, wire):
    """A lawful address keeps its local part and gets its domain in lower case and A-labels (Q5)."""
    verdict = address.check(text)
    assert verdict == Address(address=wire)
    assert address.check(wire) == verdict


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "blank"),
        (" \t", "blank"),
        ("foo", "not exactly one @"),
        ("a@b@c", "not exactly one @"),
        ('"a@b"@c.example', "not exactly one @"),
        ("@x.example", "local part"),
        ("a@", "domain"),
        ("Bob <b@x.example>", "not a single bare address"),
        ("<b@x.example>", "not a single bare address"),
        ("a@x.example,b@x.example", "not a single bare address"),
        ('"a,b"@x.example', "not a single bare address"),
        ("a@x.example\r\nRCPT TO:<b@x.example>", "control character"),
        ('"a\r\n b"@x.example', "control character"),
        ("a\0@x.example", "control character"),
        ("a\u2028@x.example", "control character"),
        ("a b@x.example", "local part"),
        ("a..b@x.example", "local part"),
        (".a@x.example", "local part"),
        ("a\u202eb@x.example", "local part"),
        ('"a\u00a0b"@x.example', "local part"),
        ("x" * 65 + "@y.example", "local part"),
        ("é" * 33 + "@y.example", "local part"),
        ("a(comment)@x.example", "local part"),
        ("a@-x.example", "domain"),
        ("a@x-.example", "domain"),
        ("a@x..example", "domain"),
        ("a@x.example.", "domain"),
        ("a@x_y.example", "domain"),
        ("a@ab--cd.example", "domain"),
        ("a@1---z.example", "domain"),
        ("a@xn--a.example", "domain"),
        ("a@[192.0.2.1]", "domain"),
        ("a@192.0.2.1", "domain"),
        ("a@" + "x" * 64 + ".example", "domain"),
        ("a@" + "x." * 130 + "example", "too long"),
        ("a@localhost", "domain without a dot"),
        ("пётр@x.example", "local part needs SMTPUTF8"),
    ],
)
def test_refused(text, why):
    """What is no single lawful address is refused by the rule it breaks (Q6, S3)."""
    assert reason(text) == why


def test_options():
    """A single label and a UTF-8 local part pass only where they are let in."""
    assert address.check("a@localhost", need_dot=False) == Address(address="a@localhost")
    assert address.check("a@mx1", need_dot=False) == Address(address="a@mx1")
    assert reason("a@127", need_dot=False) == "domain"
    wide = address.check("пётр@x.example", allow_utf8=True)
    assert wide == Address(address="пётр@x.example", needs_smtputf8=True)


def test_trimmed():
    """White space around an address is dropped, and that is said."""
    for text in (" a@x.example\r\n", "\ta@пример.example"):
        verdict = address.check(text)
        assert isinstance(verdict, Address)
        assert verdict.trimmed


def test_forms():
    """Sending compares local parts exactly, suppression compares nothing's case (Q5)."""
    verdict = address.check("Ann.LEE@X.Example")
    assert isinstance(verdict, Address)
    assert verdict.norm == "Ann.LEE@x.example"
    assert verdict.supp == "ann.lee@x.example"
    assert verdict.domain == "x.example"


@given(ADDRESS_LIKE)
@settings(deadline=None, max_examples=300)
def test_no_laxer_than_the_library(text):
    """What we accept, email-validator accepts with the same result, but for the case of `Info`."""
    verdict = address.check(text, allow_utf8=True, need_dot=False)
    if isinstance(verdict, Invalid):
        return
    found = email_validator.validate_email(
        text.strip(),
        allow_quoted_local=True,
        strict=True,
        check_deliverability=False,
        test_environment=True,
        globally_deliverable=False,
    )
    assert found.ascii_domain is not None
    assert verdict.domain == found.ascii_domain.lower()
    assert verdict.needs_smtputf8 == found.smtputf8
    local = verdict.address.rpartition("@")[0]
    assert local == found.local_part or local.lower() == found.local_part


@given(st.text() | ADDRESS_LIKE)
@settings(deadline=None)
def test_total(text):
    """Any text gets a verdict; what is accepted has one `@` and is accepted again as it is."""
    verdict = address.check(text, allow_utf8=True, need_dot=False)
    if isinstance(verdict, Address):
        assert verdict.address.count("@") == 1
        assert not set(verdict.address) & set("\r\n\0,<>\\")
        again = address.check(verdict.address, allow_utf8=True, need_dot=False)
        assert isinstance(again, Address)
        assert again.address == verdict.address
