"""Attacks through what tenants and their contacts supply."""

import base64
import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from daemon.compose import letter, plan
from daemon.compose.letter import Addressee, Uncomposable
from daemon.compose.plan import Draft, Override, Plan
from daemon.mail.content import Content

DATE = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SEPARATORS = {
    "CRLF": "\r\n", "LF": "\n", "CR": "\r", "LFCR": "\n\r", "CRCRLF": "\r\r\n",
    "CRLF CRLF": "\r\n\r\n", "folded": "\r\n ", "tabbed": "\r\n\t", "VT": "\v", "FF": "\f",
    "FS": "\x1c", "GS": "\x1d", "RS": "\x1e", "US": "\x1f", "NUL": "\0", "NEL": "\x85",
    "LS": "\u2028", "PS": "\u2029",
}  # fmt: skip
FORMS = {
    "raw": str,
    "q": lambda text: "=?utf-8?q?" + "".join(f"={octet:02X}" for octet in text.encode()) + "?=",
    "b": lambda text: f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?=",
    "percent": quote,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
}
DRAFT = Draft(
    from_address="shop@x.example",
    from_name="{{ v }}",
    reply_to="desk@x.example",
    subject="Hi {{ v }}",
    text="Hi {{ v }}\n",
    html="<p>Hi {{ v }}</p>\n",
)
ANN = Addressee(delivery_id=5, address="ann@y.example", name="Ann", variables={"v": "x"})
FIELDS = ["Date", "From", "To", "Subject", "Message-ID", "Reply-To", "MIME-Version", "Content-Type"]

attacks = pytest.mark.parametrize(
    "attack",
    [
        pytest.param(
            form(f"a{separator}Bcc: v@z.example{separator}{separator}<b>"), id=f"{name}-{as_}"
        )
        for name, separator in SEPARATORS.items()
        for as_, form in FORMS.items()
    ],
)


def composed(draft, addressee):
    """The message, or why there is none."""
    made = plan.plan(draft, message_domain="x.example", seed=b"seed")
    return letter.compose(made, addressee, date=DATE) if isinstance(made, Plan) else made


def assert_harmless(answer):
    """Either nothing is sent, or exactly our fields and parts to exactly our reader."""
    if not isinstance(answer, Content):
        assert isinstance(answer, Uncomposable | tuple)
        return
    assert re.fullmatch(rb"(?:[\t -~]{0,998}\r\n)*", answer.data)
    message = email.message_from_bytes(answer.data, policy=email.policy.default)
    assert message.keys() == FIELDS
    assert not message.defects
    assert [one.addr_spec for one in message["To"].addresses] == ["ann@y.example"]
    assert [one.addr_spec for one in message["From"].addresses] == ["shop@x.example"]
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert "<b>" not in [*message.iter_parts()][1].get_content()


@attacks
def test_values(attack):
    """No value, in any spelling, adds a header, a part, a recipient or an element (S1, S36)."""
    assert_harmless(composed(DRAFT, replace(ANN, variables={"v": attack})))
    assert_harmless(composed(DRAFT, replace(ANN, name=attack)))
    assert_harmless(composed(DRAFT, replace(ANN, address=attack)))


@attacks
def test_texts(attack):
    """No text of a message adds a header, a part or a recipient (S1)."""
    for field in ("subject", "from_name", "from_address", "reply_to", "text"):
        assert_harmless(composed(replace(DRAFT, **{field: attack}), ANN))
    assert_harmless(composed(DRAFT, replace(ANN, override=Override(subject=attack))))


@pytest.mark.parametrize("name", [name for name in SEPARATORS if name != "NUL"])
def test_separators_become_space(name):
    """A contact's line end in a name costs the contact nothing but that line end."""
    answer = composed(DRAFT, replace(ANN, name=f"Ann{SEPARATORS[name]}Example"))
    assert isinstance(answer, Content)
    assert b"To: Ann Example <ann@y.example>\r\n" in answer.data


@pytest.mark.parametrize("name", SEPARATORS)
@pytest.mark.parametrize("field", ["subject", "from_name"])
def test_separators_are_refused(name, field):
    """A separator that the author of a header wrote is a fault with its place."""
    faults = composed(replace(DRAFT, **{field: f"ab{SEPARATORS[name]}c"}), ANN)
    assert isinstance(faults, tuple)
    assert [(fault.reason, fault.position) for fault in faults] == [("control character", 2)]


ENDINGS = ["\r\n", "\n", "\r", "\r\r\n", "\r\n\0"]


@pytest.mark.parametrize("before", ENDINGS)
@pytest.mark.parametrize("after", ENDINGS)
@pytest.mark.parametrize("literal", ["", "Привет всем, кого зовут так: "])
def test_smuggling(before, after, literal):
    """No reader, however lax about line ends, sees a message end before ours does (S5)."""
    attack = f"{literal}a{before}.{after}MAIL FROM:<v@z.example>{after}"
    attempts = (
        (replace(DRAFT, text=attack), ANN),
        (replace(DRAFT, text=attack, html=None), ANN),
        (replace(DRAFT, html=f"{literal}{attack}"), ANN),
        (DRAFT, replace(ANN, variables={"v": attack})),
    )
    for draft, addressee in attempts:
        answer = composed(draft, addressee)
        if not isinstance(answer, Content):
            assert "\0" in attack
            continue
        ends = [*re.finditer(rb"(?:\r\n|\r|\n)\.(?:\r\n|\r|\n)", answer.stuffed())]
        assert [end.end() for end in ends] == [len(answer.stuffed())]
