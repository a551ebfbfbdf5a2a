"""What was made of a text is kept for the next message with it."""

from daemon.compose import bodies, plaintext
from daemon.mail import template
from daemon.mail.template import Template


def read(text: str) -> Template:
    """A template that has no fault."""
    found = template.parse(text)
    assert isinstance(found, Template)
    return found


def test_a_letter_is_read_and_encoded_once():
    """Of the same short text the very same template, body and plain twin are used again."""
    texts = ["<p>Dear {{ name }}, your order</p>" for _ in range(2)]
    first, second = (read("".join([*text])) for text in texts)
    assert first is second
    assert bodies.body(first, is_html=True) is bodies.body(second, is_html=True)
    assert plaintext.plain(first) is plaintext.plain(second)
    assert bodies.body(first, is_html=True) != bodies.body(first, is_html=False)


def test_a_long_text_is_not_kept():
    """Whoever sends long texts can't fill the memory with them: they are forgotten at once."""
    first, second = (read("x" * 70_000) for _ in range(2))
    assert first is not second
    assert bodies.body(first, is_html=False) is not bodies.body(second, is_html=False)
