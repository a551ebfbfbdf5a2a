"""Bodies around their slots."""

import base64
import quopri
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.compose import bodies
from daemon.mail.template import Template

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=120)
LINES = st.text(alphabet="a =.\t\r\né\U0001f600_-", max_size=200)
DOTS = st.text(alphabet="..\na", max_size=200)
DECODE = {"7bit": bytes, "quoted-printable": quopri.decodestring, "base64": base64.b64decode}


def crlf(text):
    """Every kind of line end as CRLF."""
    return re.sub(r"\r\n|\r|\n", "\r\n", text)


@given(st.lists(TEXT | LINES | DOTS, min_size=1, max_size=5), st.data())
@settings(deadline=None)
def test_round_trip(literals, data):
    """Any text with any values decodes to itself with CRLF line ends and one at its end.

    Each line is lawful, and none begins with a dot.
    """
    values = {f"v{n}": data.draw(TEXT | LINES | DOTS) for n in range(len(literals) - 1)}
    made = bodies.body(Template(literals=(*literals,), slots=(*values,)), is_html=False)
    octets = made.octets(values)
    expected = "".join(
        crlf(a) + crlf(b) for a, b in zip(literals, [*values.values(), ""], strict=True)
    )
    ending = "" if crlf(literals[-1]).endswith("\r\n") else "\r\n"
    assert DECODE[made.encoding](octets).decode() == expected + ending
    assert re.fullmatch(rb"(?:(?!\.)[\t -~]*\r\n)*", octets)
    limit = 998 if made.encoding == "7bit" else 76
    assert max(map(len, octets.split(b"\r\n"))) <= limit


@pytest.mark.parametrize(
    ("text", "slots", "encoding"),
    [
        ("Hello\r\nFrom me.\n", 0, "7bit"),
        ("Hello\r\n.\r\nFrom me\n", 0, "quoted-printable"),
        ("x" * 998, 0, "7bit"),
        ("x" * 999, 0, "quoted-printable"),
        ("Gruß an alle\n", 0, "quoted-printable"),
        ("bell \a", 0, "quoted-printable"),
        ("Привет всем\n", 0, "base64"),
        ("Hello ", 1, "quoted-printable"),
        ("Привет всем, кого зовут ", 1, "base64"),
    ],
)
def test_encoding(text, slots, encoding):
    """A body is sent as it is when it may be, else in what takes fewer octets."""
    template = Template(literals=(text, *[""] * slots), slots=("name",) * slots)
    assert bodies.body(template, is_html=False).encoding == encoding


def test_html_is_escaped():
    """A value brings no markup into HTML, in either encoding, and is bare in plain text (S36)."""
    value = "<b a='1' c=\"2\">&amp;"
    for literal in ("x", "Привет всем, кого зовут "):
        template = Template(literals=(literal, "\n"), slots=("v",))
        html = bodies.body(template, is_html=True)
        shown = DECODE[html.encoding](html.octets({"v": value})).decode()
        assert shown == f"{literal}&lt;b a=&#x27;1&#x27; c=&quot;2&quot;&gt;&amp;amp;\r\n"
        text = bodies.body(template, is_html=False)
        assert DECODE[text.encoding](text.octets({"v": value})).decode() == f"{literal}{value}\r\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [("é\n\x0b\U0001f600", None), ("a\0", "NUL"), ("é\0", "NUL"), ("\ud800", "lone surrogate")],
)
def test_unfit(text, reason):
    """NUL and half characters are named, everything else may be sent (S8)."""
    assert bodies.unfit(text) == reason


@given(st.binary(max_size=400))
def test_the_length_of_base64_is_known_beforehand(octets: bytes) -> None:
    """Which of two encodings is shorter is decided without making the second one."""
    assert bodies._based_length(len(octets)) == len(bodies.based(octets))
