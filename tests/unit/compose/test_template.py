"""Text with slots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.compose import template
from daemon.compose.template import Fault, Template


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
    assert template.parse(text, field="text") == Template(literals=literals, slots=slots)


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
    """Every `{{` that opens no slot is reported with its place, and its text isn't repeated."""
    faults = template.parse(text, field="html")
    assert isinstance(faults, tuple)
    assert [fault.position for fault in faults] == positions
    assert {fault.field for fault in faults} == {"html"}
    assert {fault.reason for fault in faults} == {faults[0].reason}


@given(
    st.lists(st.tuples(st.text().map(lambda text: text.replace("{", "")), st.text()), min_size=1),
    st.text().map(lambda text: text.replace("{", "")),
)
def test_filled(pairs, last):
    """Literals come out as they went in, and each value where its slot was."""
    source = "".join(f"{literal}{{{{ v{n} }}}}" for n, (literal, _) in enumerate(pairs)) + last
    read = template.parse(source, field="text")
    assert isinstance(read, Template)
    assert read.variables == {f"v{n}" for n in range(len(pairs))}
    filled = read.filled({f"v{n}": value for n, (_, value) in enumerate(pairs)})
    assert filled == "".join(literal + value for literal, value in pairs) + last


@given(st.text(alphabet="{} a_.\n"))
def test_total(text):
    """Any text is a template or has faults inside it; none is a surprise."""
    read = template.parse(text, field="text")
    if isinstance(read, Template):
        assert len(read.literals) == len(read.slots) + 1
    else:
        assert all(isinstance(fault, Fault) for fault in read)
        assert all(text.startswith("{{", fault.position) for fault in read)
