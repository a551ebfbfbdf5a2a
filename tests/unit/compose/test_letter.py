"""One delivery's bytes, read back by the standard library's parser."""

import email
import email.policy
import html as markup
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.compose import letter, plan
from daemon.compose.letter import Addressee, Uncomposable
from daemon.compose.plan import Draft, Override, Plan
from daemon.mail.content import Content

DATE = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ANN = Addressee(
    delivery_id=512 * 7 + 3, address="ann@y.example", name="Ann", variables={"order": "A-1"}
)
FIELDS = ["Date", "From", "To", "Subject", "Message-ID", "Reply-To", "MIME-Version", "Content-Type"]

VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)
LITERAL = VALUE.map(lambda text: text.replace("{", "("))
ONE_LINE = LITERAL.map(lambda text: re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", "", text))


def planned(draft):
    """The plan of a draft that has no fault."""
    made = plan.plan(draft, message_domain="x.example", seed=b"a job's own")
    assert isinstance(made, Plan)
    return made


def composed(draft, addressee=ANN):
    """The message for one addressee."""
    content = letter.compose(planned(draft), addressee, date=DATE)
    assert isinstance(content, Content)
    return content


def parsed(content):
    """The message as its reader sees it, free of defects."""
    message = email.message_from_bytes(content.data, policy=email.policy.default)
    assert not [part.defects for part in message.walk() if part.defects]
    return message


def crlf(text):
    """A body's text as it arrives."""
    return re.sub(r"\r\n|\r|\n", "\r\n", text)


def body(before, value, after):
    """The same around a value, with the line end that a template gets at its end."""
    after = after if after.endswith(("\r", "\n")) else f"{after}\n"
    return crlf(before) + crlf(value) + crlf(after)


def shown(text):
    """A header's text as it arrives."""
    spaced = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text)
    return re.sub(" +", " ", spaced).strip(" ")


@given(
    subject=st.tuples(ONE_LINE, VALUE, ONE_LINE),
    text=st.tuples(LITERAL, VALUE, LITERAL),
    html=st.tuples(LITERAL, VALUE, LITERAL),
    names=st.tuples(ONE_LINE, VALUE),
)
@settings(deadline=None)
def test_what_goes_in_comes_out(subject, text, html, names):
    """For any texts and values a reader gets exactly the intended fields, subject and bodies."""
    draft = Draft(
        from_address="shop@x.example",
        from_name=names[0],
        reply_to="desk@x.example",
        subject=subject[0] + "{{ s }}" + subject[2],
        text=text[0] + "{{ t }}" + text[2],
        html=html[0] + "{{ h }}" + html[2],
    )
    values = {"s": subject[1], "t": text[1], "h": html[1]}
    content = composed(draft, replace(ANN, name=names[1], variables=values))
    assert re.fullmatch(rb"(?:(?!\.)[\t -~]{0,998}\r\n)*", content.data)
    assert content.is_sound
    assert content.is_lawful
    assert not content.is_8bit
    message = parsed(content)
    assert message.keys() == FIELDS
    assert shown(message["Subject"]) == shown("".join(subject))
    plain, rich = message.iter_parts()
    assert plain.get_content() == body(*text)
    assert rich.get_content() == body(html[0], markup.escape(html[1]), html[2])
    raw = email.message_from_bytes(content.data, policy=email.policy.compat32)
    for field, name, address in (
        ("From", names[0], "shop@x.example"),
        ("To", names[1], "ann@y.example"),
    ):
        phrase, found = parseaddr(re.sub(r"\r\n", "", raw[field]))
        reordering = re.sub("[\u202a-\u202e\u2066-\u2069]", "", name)
        assert found == address
        assert shown(str(make_header(decode_header(phrase)))) == shown(reordering)


def test_the_fields():
    """A message has a date, an author, a recipient, a subject and an identity, and no more."""
    draft = Draft(from_address="shop@x.example", from_name="Shop", subject="Hi", text="Hello\n")
    message = parsed(composed(draft))
    assert message.keys() == [
        *FIELDS[:5],
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    ]
    assert message["Date"].datetime == DATE
    assert message["From"] == "Shop <shop@x.example>"
    assert message["To"] == "Ann <ann@y.example>"
    assert re.fullmatch(r"<3587\.[0-9a-f]{20}@x\.example>", message["Message-ID"])
    assert message.get_content() == "Hello\r\n"


def test_html_alone_gets_a_plain_twin():
    """HTML given alone goes out with the same words in plain text before it (Q20)."""
    draft = Draft(from_address="shop@x.example", html="<p>Order <b>{{ order }}</b></p>")
    message = parsed(composed(draft, replace(ANN, variables={"order": "<1>"})))
    assert message.get_content_type() == "multipart/alternative"
    plain, rich = message.iter_parts()
    assert plain.get_content() == "Order <1>\r\n"
    assert rich.get_content() == "<p>Order <b>&lt;1&gt;</b></p>\r\n"


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({}, "Ann ann@y.example ann@y.example  \r\n"),
        ({"name": "Anna", "x": "1"}, "Anna ann@y.example ann@y.example 1 \r\n"),
        ({"name": "", "x": None, "y": "2"}, " ann@y.example ann@y.example  2\r\n"),
        ({"name": None}, "Ann ann@y.example ann@y.example  \r\n"),
    ],
)
def test_variables(variables, text):
    """The recipient's own variables come first, then the built-in ones; else it is empty (Q37)."""
    draft = Draft(
        from_address="shop@x.example", text="{{ name }} {{ address }} {{ email }} {{ x }} {{ y }}"
    )
    message = parsed(composed(draft, replace(ANN, variables=variables)))
    assert message.get_content() == text


def test_missing():
    """What no one gave is named for a warning; what was given as nothing isn't."""
    made = planned(
        Draft(from_address="shop@x.example", subject="{{ a }}", text="{{ b }} {{ name }}")
    )
    assert letter.missing(made, replace(ANN, variables={"a": None})) == {"b"}
    own = replace(ANN, override=Override(text="{{ c }}"))
    assert letter.missing(made, own) == {"a", "c"}


def test_again_is_the_same():
    """Composed again, from a plan made again, a message has the same bytes (promise 2, D27)."""
    draft = Draft(from_address="shop@x.example", subject="{{ order }}", html="<p>{{ name }}</p>")
    for addressee in (ANN, replace(ANN, override=Override(html="<b>{{ order }}</b>"))):
        assert composed(draft, addressee) == composed(replace(draft), replace(addressee))


def test_others_differ():
    """Each delivery has an identity of its own."""
    draft = Draft(from_address="shop@x.example", text="Hello")
    others = [composed(draft, replace(ANN, delivery_id=number)) for number in (1, 2)]
    assert len({parsed(content)["Message-ID"] for content in others}) == 2


def test_own_texts():
    """A recipient's own texts reach that recipient and nobody else (T064)."""
    made = planned(Draft(from_address="shop@x.example"))
    override = Override(subject="Own {{ order }}", html="<p>Only you</p>")
    content = letter.compose(made, replace(ANN, override=override), date=DATE)
    assert isinstance(content, Content)
    assert parsed(content)["Subject"] == "Own A-1"
    assert letter.compose(made, ANN, date=DATE) == Uncomposable(reason="no content")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"variables": {"v": "a\0b"}}, "NUL in a variable"),
        ({"variables": {"v": "\ud800"}}, "lone surrogate in a variable"),
        ({"address": "ann@y.example\r\nBcc: v@x.example"}, "unlawful address"),
        ({"address": "Ann@Y.example"}, "unlawful address"),
        ({"address": "a@y.example,b@y.example"}, "unlawful address"),
        ({"override": Override(text="{{")}, None),
    ],
)
def test_uncomposable(change, reason):
    """What can't be mail is a value with its reason, and no exception (S3, S8)."""
    made = planned(Draft(from_address="shop@x.example", text="{{ v }}"))
    answer = letter.compose(made, replace(ANN, **change), date=DATE)
    assert isinstance(answer, Uncomposable)
    assert answer.reason == reason or answer.reason.startswith("override: ")


def test_beyond_ascii():
    """A UTF-8 local part is written as it is and the content says that it needs 8 bits (S9)."""
    content = composed(
        Draft(from_address="shop@x.example", text="Hello"), replace(ANN, address="пётр@y.example")
    )
    assert content.is_8bit
    assert "To: Ann <пётр@y.example>\r\n".encode() in content.data
