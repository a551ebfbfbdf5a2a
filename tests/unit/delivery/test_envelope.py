"""The last door before the wire: exactly the row's address leaves, or nothing does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.delivery import envelope
from daemon.delivery.envelope import Capabilities, Commands
from daemon.mail import address as address_law
from daemon.mail.address import Address
from daemon.mail.attempt import Attempt, Envelope
from daemon.mail.content import Content
from daemon.mail.outcome import Bounced, Failed, Outcome
from tests.unit.delivery import scripted

ALL = Capabilities(pipelining=True, eight_bit=True, smtputf8=True, size=0)
NONE = Capabilities()
EIGHT_BIT = "Subject: x\r\n\r\ncafé\r\n".encode()


def commands(attempt: Attempt, offered: Capabilities = ALL) -> Commands | Outcome:
    """Of this attempt at `relay:25`."""
    return envelope.commands(attempt, offered, "relay:25")


@pytest.mark.parametrize(
    "address",
    [
        "a@b.test",
        "a.b+c@b.test",
        "o'hara@b.test",
        "a!b%c@b.test",
        "a..b@b.test",
        "a_b@xn--bcher-kva.test",
        '"quoted"@b.test',
        '"a b"@c.test',
        '" "@c.test',
        '"a@b"@c.test',
        '"a\\"b"@c.test',
        "a@[127.0.0.1]",
        "a@[IPv6:::1]",
    ],
)
def test_addresses_that_can_be_sent(address: str) -> None:
    """What is a mailbox goes out as it stands in the row."""
    lines = commands(scripted.attempt(1, recipient=address, sender=address))
    assert isinstance(lines, Commands)
    assert lines.rcpt == f"RCPT TO:<{address}>\r\n".encode()
    assert lines.mail.startswith(f"MAIL FROM:<{address}> ".encode())


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "@b.test",
        "a@",
        "a@b@c.test",
        "a@b.test,c@d.test",
        "a b@c.test",
        '"a" b@c.test',
        '"a b" @c.test',
        '"a> b"@c.test',
        '"a b@c.test',
        "a@b.test>",
        "<a@b.test",
        "Foo <a@b.test>",
        "@x.test:a@b.test",
        "a@b.test\r\nRCPT TO:<c@d.test>",
        "a@b.test\n",
        "a\x00@b.test",
        "a\t@b.test",
        "a\x7f@b.test",
        "a@b.test SIZE=1",
        "a(b)@c.test",
        "a\\b@c.test",
        "a@b\u2028.test",
        "a@b\u202e.test",
        "a\udc80@b.test",
        "ü@b.test",
        "a@ü.test",
        "a" * 65 + "@b.test",
        "a@" + "b" * 256,
    ],
)
def test_addresses_that_can_not(address: str) -> None:
    """What could end a line, a path or an address, or mean another one, never reaches the wire."""
    assert commands(scripted.attempt(1, recipient=address)) == Failed(
        reason="address", relay="relay:25"
    )
    if address:
        assert commands(scripted.attempt(1, sender=address)) == Failed(
            reason="sender-address", relay="relay:25"
        )


@given(st.text(max_size=40), st.text(max_size=40), st.booleans())
def test_whatever_is_sent_is_one_line_with_one_path(local: str, domain: str, utf8: bool) -> None:
    """No address of anyone's making adds a line, a parameter or a second path."""
    address = f"{local}@{domain}"
    made = commands(scripted.attempt(1, recipient=address, needs_smtputf8=utf8))
    if isinstance(made, Commands):
        assert made.rcpt == f"RCPT TO:<{address}>\r\n".encode()
        assert not set(address) & set("<>,\r\n\0")
        assert made.rcpt.count(b"\n") == 1
        assert " " not in address or address.startswith('"')


_QUOTED = st.text(st.sampled_from('ab .@()[]:;!\\"é\u3000\u00a0'), max_size=8)


@given(st.one_of(st.text(max_size=20), _QUOTED.map('"{}"'.format)), st.booleans())
def test_what_the_address_law_accepts_can_be_sent(local: str, utf8: bool) -> None:
    """Nobody is accepted whom the wire then refuses: both know the quoted local part alike."""
    law = address_law.check(f"{local}@b.test", allow_utf8=utf8)
    if isinstance(law, Address):
        assert envelope.is_sendable(law.address, utf8=law.needs_smtputf8)


def test_utf8_addresses_need_the_flag_and_the_offer() -> None:
    """5.6.7 for a server without SMTPUTF8, in the words that it would use."""
    attempt = scripted.attempt(1, recipient="dömi@xn--mnchen-3ya.test", needs_smtputf8=True)
    lines = commands(attempt)
    assert isinstance(lines, Commands)
    assert lines.rcpt == "RCPT TO:<dömi@xn--mnchen-3ya.test>\r\n".encode()
    assert b" SMTPUTF8" in lines.mail
    refused = commands(attempt, Capabilities(eight_bit=True))
    assert isinstance(refused, Bounced)
    assert (refused.reply.code, refused.reply.enhanced) == (553, "5.6.7")


def test_the_null_sender() -> None:
    """An empty sender is `<>`."""
    lines = commands(scripted.attempt(1, sender=""), NONE)
    assert isinstance(lines, Commands)
    assert lines.mail == b"MAIL FROM:<>\r\n"


@pytest.mark.parametrize("smtputf8", [True, False])
@pytest.mark.parametrize("eight_bit", [True, False])
@pytest.mark.parametrize("size", [None, 0, 1, 10_000])
@pytest.mark.parametrize("data", [b"x: y\r\n\r\nz\r\n", EIGHT_BIT], ids=["ascii", "8bit"])
def test_nothing_is_used_that_was_not_offered(
    data: bytes, size: int | None, eight_bit: bool, smtputf8: bool
) -> None:
    """SIZE, BODY and SMTPUTF8 are said, and 8 bits sent, only where they were offered."""
    offered = Capabilities(size=size, eight_bit=eight_bit, smtputf8=smtputf8)
    made = commands(scripted.attempt(1, data), offered)
    if not data.isascii() and not eight_bit:
        assert made == Failed(reason="8bit", relay="relay:25")
    elif size == 1:
        assert isinstance(made, Bounced)
        assert (made.reply.code, made.reply.enhanced) == (552, "5.3.4")
    else:
        assert isinstance(made, Commands)
        assert (b" SIZE=%d" % len(data) in made.mail) == (size is not None)
        assert (b" BODY=8BITMIME" in made.mail) == (not data.isascii())
        assert b"SMTPUTF8" not in made.mail


@pytest.mark.parametrize(
    "data",
    [b"", b"no end", b"bare\nlf\r\n", b"bare\rcr\r\n", b"nul\0\r\n", b"a\r\n.\n", b"x\n\r\r\n"],
)
def test_content_that_a_lax_server_could_split(data: bytes) -> None:
    """Only our own CRLF.CRLF ends a message: bare CR, bare LF and NUL never leave."""
    assert commands(scripted.attempt(1, data)) == Failed(reason="content", relay="relay:25")


def test_content_may_say_itself_that_it_is_8bit() -> None:
    """What is announced as 8-bit is sent to no server without 8BITMIME."""
    attempt = Attempt(
        delivery_id=1,
        number=1,
        envelope=Envelope(sender="", recipient="a@b.test"),
        content=Content(data=b"x\r\n", is_8bit=True),
    )
    assert commands(attempt, NONE) == Failed(reason="8bit", relay="relay:25")


@pytest.mark.parametrize(
    ("size", "expected"),
    [("", 0), ("1000", 1000), ("0", 0), ("-1", 0), ("x", 0), ("9" * 21, 0), ("²", 0)],
)
def test_strange_sizes_are_no_limit(size: str, expected: int) -> None:
    """What is no number of octets is taken as an unknown limit."""
    assert envelope.capabilities({"size": size}).size == expected


def test_capabilities_are_what_was_offered() -> None:
    """Each keyword for itself; without any, nothing."""
    assert envelope.capabilities({}) == NONE
    offered = {"pipelining": "", "8bitmime": "", "smtputf8": "", "size": "0", "auth": "PLAIN"}
    assert envelope.capabilities(offered) == ALL
