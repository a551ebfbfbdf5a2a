"""Text with slots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mail import template
from daemon.mail.template import Template, Unfit


@pytest.mark.parametrize(
    ("text", "literals", "slots"),
    [
        ("", ("",), ()),
        ("plain", ("plain",), ()),
        ("Hi {{ name }}!", ("Hi ", "!"), ("name",)),
        ("{{a}}{{b}}", ("", "", ""), ("a", "b")),
        ("{{\n contact.first_name\t}}", ("", ""), ("contact.first_name",)),
        ("@media x{a{b:c}}", ("@media x{a{b:c}}",), ()),
        ("{ {a} }", ("{ {a} }",), ()),
    ],
)
def test_parse(text, literals, slots):
    """A slot is two braces, a variable's name, two braces; all else is text."""
    assert template.parse(text) == Template(literals=literals, slots=slots)


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("{{", [0]),
        ("Hi {{ name }", [3]),
        ("Hi {{ name }} and {{", [18]),
        ("{{}} {{ 1a }} {{ a b }}", [0, 5, 14]),
        ("{{{ name }}}", [0]),
        ("{{ name|upper }}", [0]),
        ("{{ имя }}", [0]),
        ("{{ a.__class__() }}", [0]),
    ],
)
def test_faults(text, positions):
    """Every `{{` that opens no slot is reported with its place."""
    assert template.parse(text) == Unfit(positions=(*positions,))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ secret", "character 0, counted from 0: "),
        ("{{} {{} secret", "characters 0, 4, counted from 0: "),
        ("{{" * 7, "characters 0, 2, 4, 6, 8 and 2 more, counted from 0: "),
    ],
)
def test_what_is_unfit_is_pointed_at(text, says):
    """Whoever wrote a template wrong is told where; his text isn't repeated (promise 10)."""
    assert str(template.parse(text)) == says + template.REASON


@given(
    st.lists(st.tuples(st.text().map(lambda text: text.replace("{", "")), st.text()), min_size=1),
    st.text().map(lambda text: text.replace("{", "")),
)
def test_filled(pairs, last):
    """Literals come out as they went in, and each value where its slot was."""
    source = "".join(f"{literal}{{{{ v{n} }}}}" for n, (literal, _) in enumerate(pairs)) + last
    read = template.parse(source)
    assert isinstance(read, Template)
    assert read.variables == {f"v{n}" for n in range(len(pairs))}
    filled = read.filled({f"v{n}": value for n, (_, value) in enumerate(pairs)})
    assert filled == "".join(literal + value for literal, value in pairs) + last


@given(st.text(alphabet="{} a_.\n"))
def test_total(text):
    """Any text is a template or known not to be one; none is a surprise."""
    read = template.parse(text)
    if isinstance(read, Template):
        assert len(read.literals) == len(read.slots) + 1
    else:
        assert read.positions
        assert all(text.startswith("{{", position) for position in read.positions)
