"""Rows become lines of a COPY: many at once where they are plain, and the same one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mail.directory import entities, staging
from daemon.mail.directory.entities import BY_NAME, Entity
from daemon.mail.directory.staging import Batch, Staging

CONTACT = ("customer_id", "address", "phone_number", "first_name", "custom", "no_mailing")
PLAIN = ("7", "ann@x.example", "", "Ann", "", "true")
CELLS = st.sampled_from(
    [
        *(
            "",
            "7",
            "8",
            "true",
            "no",
            "Ann",
            "Bob\\n",
            "a\tb",
            "two\nlines",
            "a\0",
            "\udcff",
            "  ",
            "é",
        ),
        *("ann@x.example", "Bob@X.Example", "bad@@list", '{"a":"b\\\\c"}', "{}", " ann@x.example "),
    ]
)


def made(entity: Entity, names: tuple[str, ...]) -> Staging:
    """What makes the lines for a header that is right."""
    found = staging.header(entity, names)
    assert isinstance(found, Staging)
    return found


def lines(entity: Entity, names: tuple[str, ...], *rows: tuple[str, ...]) -> list[list[str]]:
    """The values of each line."""
    found = made(entity, names).lines(Batch(numbers=range(2, 2 + len(rows)), rows=rows))
    return [line.split("\t") for line in found.decode().split("\n")[:-1]]


@given(rows=st.lists(st.tuples(*[st.just(one) | CELLS for one in PLAIN]), min_size=1, max_size=3))
def test_at_once_is_as_one_by_one(rows):
    """Whatever stands in the cells, a batch gives the lines that its rows give alone."""
    together, alone = made(entities.CONTACT, CONTACT), made(entities.CONTACT, CONTACT)
    found = together.lines(Batch(numbers=range(len(rows)), rows=rows))
    each = b"".join(alone.lines(Batch(numbers=[n], rows=[row])) for n, row in enumerate(rows))
    forced = made(entities.CONTACT, CONTACT)
    slow = "".join(forced._line(n, row) for n, row in enumerate(rows)).encode()
    assert found == each == slow
    assert together.unfit == alone.unfit == forced.unfit
    assert found.count(b"\n") == len(rows)


def test_a_plain_row():
    """Line, no fault, the values with the forms of the address, and what blank cells mean."""
    [line] = lines(entities.CONTACT, CONTACT, ("7", "Bob@X.Example", "", "Bob", "", ""))
    assert line == [
        "2", "", "7", "Bob@X.Example", "Bob@x.example", "bob@x.example", "x.example", "",
        "", "Bob", "", "false",
    ]  # fmt: skip


def test_all_that_is_wrong_with_a_row():
    """Each wrong cell is named with its reason, and nothing else of the row is staged."""
    row = ("x", "a@x.example", "", "two\nlines", "", "perhaps")
    [line] = lines(entities.CONTACT, CONTACT, row)
    assert line[0] == "2"
    faults = dict(fault.split("\\t") for fault in line[1].split("\\n"))
    assert list(faults) == ["customer_id", "first_name", "no_mailing"]
    assert not any(line[2:])


@pytest.mark.parametrize(
    ("entity", "names", "row", "why"),
    [
        ("contact", ("customer_id", "address", "phone_number"), ("7", "", ""), "one of address"),
        ("billing_contact", ("customer_id", "person_id", "address"), ("7", "1", "a@x.example"),
         "only one of"),
        ("role", ("name",), ("  ",), "is missing"),
        ("role", ("name", "description"), ("a",), "has 1 cells, and the first line 2"),
    ],
)  # fmt: skip
def test_rows_that_lack_something(entity, names, row, why):
    """What a row must have, and what it must not have at once."""
    [line] = lines(BY_NAME[entity], names, row)
    assert why in line[1]


def test_lines_that_are_no_rows():
    """They are counted, and told of with their numbers."""
    found = made(entities.ROLE, ("name",))
    text = found.lines(Batch(numbers=[2], rows=[("a",)], broken=[(3, "\tisn't CSV")]))
    assert text.decode().split("\n")[:-1] == ["2\t\ta", "3\t\\tisn't CSV\t"]
    assert found.rows == 2


def test_what_is_wrong_with_a_header():
    """Unknown, doubled and missing columns are all named, with what was meant if that is near."""
    found = staging.header(entities.CONTACT, ["adress", "first_name", "first_name", "\x1b[2J"])
    assert isinstance(found, list)
    assert found[0] == "unknown column adress: did you mean address?"
    assert found[1].startswith("unknown column with characters that are none: contact has id, ")
    assert found[2:] == [
        "column first_name stands there twice",
        "column customer_id is missing",
        "one of the columns address, phone_number is missing",
    ]


def test_entities_stand_behind_those_they_name():
    """Whoever is named in a row is in an entity before it, but for customers and their plans."""
    names = list(BY_NAME)
    for name, entity in BY_NAME.items():
        for column in entity.columns:
            named = column.name.removesuffix("_id")
            if named in names and (name, named) != ("customer", "plan"):
                assert names.index(named) < names.index(name)
