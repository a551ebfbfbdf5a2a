"""Cells: what a text or a JSON value means, and that it comes back as it was."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.mail.directory import cells, entities
from daemon.mail.directory.cells import Kind

ROLE = entities.ROLE.column("privileges")
KINDS = {
    "line": cells.LINE,
    "text": cells.TEXT,
    "id": cells.ID,
    "choice": cells.choice("active", "deleted"),
    "flag": cells.FLAG,
    "price": cells.PRICE,
    "moment": cells.MOMENT,
    "zone": cells.ZONE,
    "mailbox": cells.MAILBOX,
    "author": cells.AUTHOR,
    "subject": cells.SUBJECT,
    "content": cells.CONTENT,
    "addressee": cells.ADDRESSEE,
    "addressees": cells.ADDRESSEES,
    "networks": cells.NETWORKS,
    "fields": cells.FIELDS,
    "accesses": ROLE.kind,
    "allowances": cells.ALLOWANCES,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.from_regex(r"[a-z][a-z_]{0,9}", fullmatch=True)
FIELDS = st.dictionaries(st.text(min_size=1, max_size=9), st.text() | st.none(), max_size=5)


def value(kind: Kind, given: object) -> str:
    """What is stored of a JSON value."""
    return cells.read(kind, cells.cell(kind, given))


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=50)
@given(text=st.text(min_size=1))
def test_any_text_is_read_or_told_of(name, text):
    """Every kind gives a value back, or says in words of its own what would have been right."""
    try:
        found = cells.read(KINDS[name], text)
    except ValueError as error:
        found = str(error)
    assert "\0" not in found


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=50)
@given(given=JSON)
def test_any_json_is_a_cell_or_told_of(name, given):
    """No JSON value raises anything but a `ValueError`, and null is a blank cell."""
    try:
        found = cells.cell(KINDS[name], given)
    except ValueError:
        assert given is not None
    else:
        assert isinstance(found, str)


@given(
    number=st.integers(1, cells.LARGEST),
    flag=st.booleans(),
    fields=FIELDS,
    access=st.dictionaries(st.sampled_from(entities.PRIVILEGES), st.integers(0, 2)),
    allowed=st.dictionaries(NAMES, st.booleans()),
)
def test_json_comes_back(number, flag, fields, access, allowed):
    """The JSON value of what was stored is the value that was given."""
    assert cells.ID.json(value(cells.ID, number)) == number
    assert cells.FLAG.json(value(cells.FLAG, flag)) is flag
    if r"\u0000" not in orjson.dumps(fields).decode():
        assert cells.FIELDS.json(value(cells.FIELDS, fields)) == fields
    for kind, pairs in ((ROLE.kind, access), (cells.ALLOWANCES, allowed)):
        cell = cells.cell(kind, pairs)
        assert orjson.loads(cells.read(kind, cell)) == pairs == kind.json(cell)


@pytest.mark.parametrize(
    ("kind", "text", "stored"),
    [
        (cells.LINE, " as it is ", " as it is "),
        (cells.ID, " 007 ", "7"),
        (cells.FLAG, "Yes", "true"),
        (cells.FLAG, "0", "false"),
        (cells.PRICE, "1.001005678", "1.001005678"),
        (cells.MOMENT, "2026-01-02T03:04:05+03:00", "2026-01-02T00:04:05+00:00"),
        (cells.ZONE, "Europe/Minsk", "Europe/Minsk"),
        (cells.MAILBOX, " News@X.Example ", "News@x.example"),
        (cells.AUTHOR, "News of {{ city }}", "News of {{ city }}"),
        (cells.SUBJECT, "é" * 499, "é" * 499),
        (cells.CONTENT, "<p>\n{{ name }} }}</p>", "<p>\n{{ name }} }}</p>"),
        (cells.ADDRESSEE, " bad@@list ", "bad@@list"),
        (cells.NETWORKS, "192.0.2.0/24 2001:db8::1", "{192.0.2.0/24,2001:db8::1/128}"),
        (cells.FIELDS, '{"a": 1.5, "b": null, "c": true}', '{"a":"1.5","b":null,"c":"true"}'),
        (ROLE.kind, "send_emails=full view_reports=2", '{"send_emails":1,"view_reports":2}'),
    ],
)
def test_cells_that_mean_something(kind, text, stored):
    """What is stored of a cell."""
    assert cells.read(kind, text) == stored


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        (cells.LINE, "two\nlines", "one line"),
        (cells.LINE, "x" * 257, "at most 256 characters"),
        (cells.TEXT, "a\0b", "NUL"),
        (cells.TEXT, "octets \udcff", "UTF-8"),
        (cells.ID, "0", "whole number from 1"),
        (cells.ID, str(2**63), "whole number from 1"),
        (cells.ID, "1e3", "whole number from 1"),
        (cells.FLAG, "maybe", "true or false"),
        (cells.PRICE, "-1", "a number such as"),
        (cells.PRICE, "1.00000000001", "at most 10 decimals"),
        (cells.MOMENT, "2026-01-02T03:04:05", "with its offset"),
        (cells.ZONE, "Mars/Base", "IANA"),
        (cells.MAILBOX, "bad@@list", "not exactly one @"),
        (cells.AUTHOR, "a\nb", "one line"),
        (cells.AUTHOR, "\u202eevil", "direction of writing"),
        (cells.AUTHOR, "{{ oops", "a variable's name"),
        (cells.SUBJECT, "a\nb", "one line"),
        (cells.SUBJECT, "é" * 500, "at most 998 octets"),
        (cells.SUBJECT, "{{ a b }}", "a variable's name"),
        (cells.CONTENT, "<p>{{</p>", "a variable's name"),
        (cells.ADDRESSEE, "x" * 321, "at most 320"),
        (cells.ADDRESSEES, "a@x.example A@y.example a@X.example", "no address twice"),
        (cells.NETWORKS, "192.0.2.1/24", "networks such as"),
        (cells.FIELDS, "[]", "a JSON object"),
        (cells.FIELDS, '{"a": {}}', "texts as values"),
        (cells.FIELDS, '{"a": "\\u0000"}', "NUL"),
        (cells.FIELDS, orjson.dumps({str(n): "" for n in range(31)}).decode(), "at most 30 fields"),
        (ROLE.kind, "send_emails=3", "access 0"),
        (ROLE.kind, "fly=1", "privileges of these"),
        (ROLE.kind, "send_emails=1 send_emails=2", "each name once"),
        (cells.ALLOWANCES, "send_emails", "true or false"),
        (cells.ALLOWANCES, "Send=yes", "pairs such as"),
    ],
)
def test_cells_that_mean_nothing(kind, text, why):
    """The reason says what would have been right, and repeats nothing of the cell."""
    with pytest.raises(ValueError, match=why) as error:
        cells.read(kind, text)
    assert text not in str(error.value) or text.isdecimal()


def test_an_address_has_its_forms():
    """Several addresses keep their order and their spelling; one that breaks a rule says which."""
    found = orjson.loads(cells.read(cells.ADDRESSEES, "Ann@X.example bad@@list"))
    assert found == [
        {"address": "Ann@X.example", "norm": "Ann@x.example", "supp": "ann@x.example",
         "domain": "x.example", "fault": None},
        {"address": "bad@@list", "norm": "bad@@list", "supp": "bad@@list", "domain": "list",
         "fault": "not exactly one @"},
    ]  # fmt: skip


def test_prices_in_json_are_text():
    """A number of JSON has no exact decimals: it is asked for as text."""
    with pytest.raises(ValueError, match="must be text"):
        cells.cell(cells.PRICE, 1.5)
    assert cells.cell(cells.PRICE, "1.5") == "1.5"
