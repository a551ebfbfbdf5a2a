"""`deliveryd directory`, as it is typed."""

import csv
import io
import json
from pathlib import Path

from tests.integration.cli.conftest import Typed
from tests.integration.directory.acme import FIXTURES


def rejects(path: Path) -> str:
    """The rejects of a file."""
    return path.with_name(f"{path.name}.rejects.csv").read_text()


async def test_in_and_out(typed: Typed, tmp_path: Path) -> None:
    """What came of each file is one document, and a table for people; the way out is the way in."""
    ended = await typed("directory", "import", str(FIXTURES / "tree"), "--json")
    assert (ended.code, ended.err) == (0, "")
    assert [(one["entity"], one["inserted"]) for one in ended.document["files"]] == [
        ("role", 4), ("customer", 11), ("plan", 2)
    ]  # fmt: skip
    ended = await typed("directory", "export", "--to", str(tmp_path / "out"), "--json")
    assert ended.code == 0
    assert ended.document["rows"]["customer"] == 12
    ended = await typed("directory", "import", str(tmp_path / "out"))
    assert ended.code == 0
    head, *rows = ended.out.splitlines()
    assert head.split() == ["FILE", "ROWS", "INSERTED", "UPDATED", "UNCHANGED", "REJECTED"]
    assert [row.split()[1:] for row in rows if "role.csv" in row] == [["4", "0", "0", "4", "0"]]


async def test_one_to_standard_output(typed: Typed) -> None:
    """One entity is written where a pipe reads it, and nothing else is."""
    await typed("directory", "import", str(FIXTURES / "tree"))
    ended = await typed("directory", "export", "role")
    assert ended.code == 0
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert [row["name"] for row in rows] == ["Reseller", "User", "Auditor", "Sender"]
    ended = await typed("directory", "export", "role", "--format", "jsonl")
    assert [json.loads(line)["id"] for line in ended.out.splitlines()] == [1, 2, 3, 4]
    assert (await typed("directory", "export", "role", "--quiet")).out == ""


async def test_rejects_are_told(typed: Typed, tmp_path: Path) -> None:
    """The exit code says that not all went in, and where the reasons are."""
    path = tmp_path / "contacts of may.csv"
    path.write_text("customer_id,address\n0,ann@x.example\n0,bad@@x.example\n99,bob@x.example\n")
    ended = await typed("directory", "import", str(path), "--entity", "contact")
    assert (ended.code, ended.err) == (1, "")
    assert f"why rows were rejected: {path}.rejects.csv" in ended.out
    assert "1 address kept that no mail can go to" in ended.out
    assert rejects(path) == "line,column,reason\n4,customer_id,no such customer\n"
    assert (
        await typed("directory", "import", str(path), "--entity", "contact", "--quiet")
    ).out == ""


async def test_what_is_no_command(typed: Typed, tmp_path: Path) -> None:
    """Each is told in one line, with the exit code of its kind, and stores nothing."""
    good, bad = tmp_path / "role.csv", tmp_path / "list.csv"
    good.write_text("name\nA\n")
    bad.write_text("nam\nA\n")
    for code, words, why in (
        (2, ("import",), "which file"),
        (2, ("import", str(tmp_path / "plan.csv")), "No such file"),
        (2, ("import", str(good), str(bad), "--entity", "role"), "of one file"),
        (2, ("export",), "--to"),
        (2, ("export", "role", "--json"), "--format jsonl"),
        (2, ("export", "people", "--to", str(tmp_path)), "people is no entity"),
        (2, ("export", "role", "--to", str(good / "x")), "Not a directory"),
        (65, ("import", str(good), str(bad)), "unknown column nam: did you mean name?"),
        (65, ("import", str(good), "--entity", "people"), "there are role, customer"),
        (65, ("import", str(good), str(good)), "comes from"),
    ):
        ended = await typed("directory", *words)
        assert (ended.code, ended.out) == (code, ""), words
        assert why in ended.err
    assert (await typed("directory", "export", "role")).out.count("\n") == 1


async def test_lists_that_are_nobodys(typed: Typed, tmp_path: Path) -> None:
    """A number that no list has, and a file that is none of contacts, are told in one line."""
    path = tmp_path / "contacts.csv"
    path.write_text("mail,first_name\na@x.example,Ann\n")
    unknown = "deliveryd: no list has the number 7\n"
    for words in (("members", "7"), ("delete", "7"), ("fill", "7", str(path))):
        ended = await typed("list", *words)
        assert (ended.code, ended.out, ended.err) == (1, "", unknown)
    await typed("directory", "import", str(FIXTURES / "tree"))
    lists = tmp_path / "list.csv"
    lists.write_text("id,customer_id,name\n5,7,L5\n")
    await typed("directory", "import", str(lists))
    ended = await typed("list", "fill", "5", str(path))
    assert (ended.code, ended.out) == (65, "")
    assert "unknown column mail: contact has address, " in ended.err
    ended = await typed("list", "fill", "5", str(tmp_path / "none.csv"))
    assert (ended.code, ended.out) == (2, "")
