"""The forms that files come in: what is read of them, and what is refused in one line."""

import tracemalloc

import pytest

from daemon.directory import sheets
from daemon.directory.sheets import Unfit
from tests.integration.directory.conftest import Asked, Import, Written, rejects

ROLES = "SELECT name, description FROM role ORDER BY id"


@pytest.mark.parametrize(
    "octets",
    [
        b"name,description\nA,one\nB,two\n",
        b"\xef\xbb\xbfname,description\r\nA,one\r\nB,two\r\n",
        b'"name","description"\n"A","one"\n\nB,two',
        b" name , description\rA,one\rB,two",
    ],
)
async def test_csv_as_it_comes(
    imports: Import, written: Written, asked: Asked, octets: bytes
) -> None:
    """With or without a BOM, any line ends, quotes, blank lines, and a last line without an end."""
    [done] = await imports(written("role.csv", octets=octets))
    assert (done.rows, done.inserted, done.rejected) == (2, 2, 0)
    assert await asked(ROLES) == [("A", "one"), ("B", "two")]


async def test_json_lines(imports: Import, written: Written, asked: Asked) -> None:
    """The first line's names are the columns; a later one may leave some out, and add none."""
    path = written(
        "role.jsonl",
        '{"name": "A", "description": null, "privileges": {"send_emails": 2}, "can_login": false}',
        "",
        '{"name": "B"}',
        '{"name": "C", "colour": "red"}',
        '{"name": 7}',
        "[1]",
        '{"name": "D"',
    )
    [done] = await imports(path)
    assert (done.rows, done.inserted, done.rejected) == (6, 2, 4)
    assert rejects(path) == [
        "4,,has a name that the first line hasn't",
        "5,name,must be text",
        "6,,isn't a JSON object",
        '7,,"isn\'t a JSON object, or isn\'t UTF-8"',
    ]  # fmt: skip
    assert await asked("SELECT name, can_login FROM role ORDER BY id") == [
        ("A", False),
        ("B", True),
    ]


async def test_odd_octets(imports: Import, written: Written, asked: Asked) -> None:
    """NUL, octets that aren't UTF-8 and wild quotes are faults of their line; others go in."""
    octets = b'name,description\nA,a\0b\nB,\xff\nC,"x"y\nD,"two\nlines"\nE,fine\n'
    path = written("role.csv", octets=octets)
    [done] = await imports(path)
    assert (done.rows, done.inserted, done.rejected) == (5, 1, 4)
    assert await asked(ROLES) == [("E", "fine")]
    assert [line.split(",")[0] for line in rejects(path)] == ["2", "3", "4", "5"]


async def test_a_quote_that_never_ends(imports: Import, written: Written, asked: Asked) -> None:
    """What it swallows is one reject, told of where it begins."""
    path = written("role.csv", "name,description", "A,one", 'B,"two', "C,three")
    [done] = await imports(path)
    assert (done.inserted, done.rejected) == (1, 1)
    assert [line.split(",")[0] for line in rejects(path)] == ["3"]
    assert await asked(ROLES) == [("A", "one")]


async def test_large_cells(imports: Import, written: Written, asked: Asked) -> None:
    """A cell of a megabyte goes in where a text may be so long, and is a fault elsewhere."""
    large = "x" * 2**20
    texts = written(
        "unsubscribe_text.csv",
        "language,mention_html,mention_text,page_text",
        f'en,"{large}\n\\.\n",b,c',
        f"{large},b,c,d",
    )
    roles = written("role.csv", "name,description", f"A,{large}", "B,short")
    done = await imports(texts, roles)
    assert [(one.inserted, one.rejected) for one in done] == [(1, 1), (1, 1)]
    assert await asked("SELECT mention_html = $1 FROM unsubscribe_text", f"{large}\n\\.\n") == [
        (True,)
    ]
    assert rejects(roles) == ["2,description,must have at most 256 characters"]


@pytest.mark.parametrize(
    ("name", "octets", "why"),
    [
        ("role.csv", b"", "the first line must name the columns"),
        ("role.csv", b"name;description\nA;one\n", "unknown column name;description"),
        ("role.csv", b"nam,can_login\nA,yes\n", "unknown column nam: did you mean name?"),
        ("role.csv", "name,a\n".encode("utf-16"), "unknown column"),
        ("role.jsonl", b"name,description\n", "line 1: isn't a JSON object"),
        ("roles.csv", b"name\n", "isn't called after an entity"),
        ("role.txt", b"name\n", "its name must end in"),
    ],
)
async def test_files_of_which_nothing_can_be_read(
    imports: Import, written: Written, asked: Asked, name: str, octets: bytes, why: str
) -> None:
    """All that is wrong with a file is told, and nothing is stored, of the others neither."""
    good = written("list.csv", "customer_id,name", "0,one")
    with pytest.raises(Unfit) as error:
        await imports(good, written(name, octets=octets))
    assert why in str(error.value)
    assert await asked("SELECT count(*) FROM list") == [(0,)]


async def test_a_file_with_nothing_in_it(imports: Import, written: Written) -> None:
    """A header alone, and no line of JSON at all, are no rows."""
    done = await imports(written("role.csv", "name"), written("list.jsonl", octets=b""))
    assert [(one.rows, one.inserted) for one in done] == [(0, 0), (0, 0)]


async def test_folders(written: Written, imports: Import) -> None:
    """Every file of rows in a folder is taken, but for rejects; a strange name is refused."""
    role = written("role.csv", "name,can_login", "A,maybe")
    await imports(role)
    written("readme.md", "nothing")
    assert [one.path.name for one in sheets.folder(role.parent)] == ["role.csv"]
    written("contacts.csv", "id")
    with pytest.raises(Unfit, match="contacts isn't called after an entity"):
        sheets.folder(role.parent)


def test_a_file_is_never_held_whole(written: Written) -> None:
    """Reading a long file takes no more memory than reading the beginning of it."""
    path = written(
        "contact.csv", "customer_id,address", *(f"7,somebody.{n}@x.example" for n in range(60_000))
    )
    tracemalloc.start()
    try:
        with sheets.opened(sheets.source(path, None)) as sheet:
            rows = sum(sheet.staging.lines(batch).count(b"\n") for batch in sheet.batches())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows == 60_000
    assert peak < 2_000_000 < path.stat().st_size * 2
