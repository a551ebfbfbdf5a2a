"""The plain alternative of an HTML template."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.compose import plaintext
from daemon.mail import template
from daemon.mail.template import Template


def plain(html, **values):
    """The plain text of a source, its slots filled."""
    read = template.parse(html)
    assert isinstance(read, Template)
    return plaintext.plain(read).filled(values)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One\n  two</p><p>three</p>", "One two\n\nthree\n"),
        ("a<br>b<br/>c", "a\nb\nc\n"),
        ("<ul><li>one<li>two</ul>", "- one\n- two\n"),
        ("<head><title>T</title><style>p{}</style></head><body>b", "b\n"),
        ("<head><title>never closed<body>b", "b\n"),
        ("a<script>x('</p>')</script>b", "ab\n"),
        ("x &lt;b&gt; &amp; y&nbsp;z", "x <b> & y z\n"),
        ("a<!-- <p>no</p> -->b", "ab\n"),
        ("<!--[if mso]>no<![endif]-->yes<![if !mso]>!<![endif]>", "yes!\n"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2\n"),
        ('<img src="x" alt="Logo">', "Logo\n"),
        ("", "\n"),
    ],
)
def test_words(html, text):
    """The words remain, in order and in lines; markup, styles, scripts and comments don't."""
    assert plain(html) == text


def test_links_become_notes():
    """A link's target is found by its number below the text, each once, unless the text is it."""
    source = (
        '<a href="https://a.example/?x=1&amp;y=2">one</a> <a href=https://a.example/?x=1&y=2>two</a>'
        ' <a href="https://b.example/">https://b.example/</a> <a href="#top">up</a>'
        ' <a href="javascript:alert(1)">no</a> <a href="mailto:a@b.example">a@b.example</a>'
    )
    assert plain(source) == (
        "one [1] two [1] https://b.example/ up no a@b.example\n\n[1] https://a.example/?x=1&y=2\n"
    )


def test_slots_stay():
    """Slots keep their places, in words, attributes and twice, and are filled without escapes."""
    source = (
        '<p>Hi {{ name }},</p><a href="{{ url }}">go</a> <a href="https://x/{{ id }}">{{ id }}</a>'
    )
    text = plain(source, name="<b>", url="https://u", id="7")
    assert text == "Hi <b>,\n\ngo [1] 7 [2]\n\n[1] https://u\n[2] https://x/7\n"


def test_escaped_braces_are_no_slot():
    """Braces that the source wrote as character references stay letters."""
    assert plain("&#123;&#123; name }}") == "{{ name }}\n"


@given(
    st.lists(
        st.sampled_from(
            ["<a ", "<p>", "</p>", "<", ">", "'", '"', "&#x41;", "x ", "=", "<!--", "-->"]
        )
        | st.sampled_from(
            ["{{ v }}", "<style>", "</style>", "\ufdd00\ufdd1", "&#xfdd0;0&#xfdd1;", "<![", "]"]
        )
    )
)
@settings(deadline=None)
def test_total(pieces):
    """Whatever the markup, there is a text, and no slot in it that the source hasn't."""
    source = template.parse("".join(pieces))
    assert isinstance(source, Template)
    made = plaintext.plain(source)
    assert made.literals[-1].endswith("\n")
    assert len(made.slots) <= 2 * len(source.slots)


@pytest.mark.parametrize(
    "piece", ["<!--", "<!", "<a ", "<a b='", "<a b='\">x<a b='\"", "</a", "&#"]
)
def test_no_blow_up(piece):
    """Hostile markup that keeps the bare parser busy for a minute is read at once."""

    def seconds(count):
        start = time.process_time()
        plaintext.plain(Template(literals=(piece * count,)))
        return time.process_time() - start

    assert seconds(30_000) < 5
