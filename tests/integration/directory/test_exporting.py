"""What is exported is what an import reads: bringing it in again changes nothing."""

import asyncio
import json
from pathlib import Path

import pytest

from daemon.directory import exporting
from daemon.mail.directory.entities import BY_NAME
from daemon.store import door
from tests.integration.conftest import reach
from tests.integration.directory import acme
from tests.integration.directory.conftest import Asked, Import, Written

_MORE = """
UPDATE person
SET forename = E'Ann, "the\\\\first"', allowed_sources = '{192.0.2.0/24,2001:db8::/32}',
    timezone = 'Europe/Minsk', password_hash = 'secret-mark',
    deleted_at = '2026-01-02 03:04:05.678901+00'
WHERE id = 1;
UPDATE contact
SET custom = '{"colour": "red, \\"blood\\"", "none": null}', param1 = 'ÄÖ' WHERE id = 1001;
UPDATE rate_plan SET max_recipients_per_day = 5 WHERE id = 1;
UPDATE campaign
SET html = E'<p>\\n"\\\\.",\\n\\\\.\\n</p>', subject = 'Oh', custom_sender_id = 1, created_by = 2
WHERE id = 880;
UPDATE custom_sender SET verified_at = now(), transport_id = 1 WHERE id = 1;
INSERT INTO unsubscribe_text VALUES ('en', '<a>', 'b' || chr(10) || 'c', 'd');
INSERT INTO suppression (customer_id, supp, scope, kind, source, lifted_at)
VALUES (7, 'gone@x.example', 'all', 'manual', 'operator', now());
"""


async def saved(store: door.Store, folder: Path, format_: str) -> dict[str, int]:
    """Exports everything into a folder."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    async with exporting.reading(store) as session:
        return await exporting.saved(session, list(BY_NAME), folder, format_)


def texts(folder: Path) -> dict[str, str]:
    """Every file of a folder."""
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


@pytest.fixture
async def rich(acmes: door.Store) -> door.Store:
    """The shared directory, with something in every column that a file is hard on."""
    async with acmes.session() as session:
        await session._connection.execute(_MORE)
    return acmes


@pytest.mark.parametrize("format_", exporting.FORMATS)
async def test_there_and_back(
    rich: door.Store, dsn: str, tmp_path: Path, asked: Asked, format_: str
) -> None:
    """Into the same directory it changes nothing; into an empty one it brings all of it."""
    counts = await saved(rich, tmp_path / "first", format_)
    assert counts["customer"] == 13
    again = await acme.brought(rich, tmp_path / "first")
    assert {
        one.entity: (one.inserted, one.updated, one.rejected) for one in again
    } == dict.fromkeys(BY_NAME, (0, 0, 0))
    await asked("TRUNCATE role, rate_plan, person, contact, list, custom_sender, campaign,"
                " unsubscribe_text, suppression, customer CASCADE")  # fmt: skip
    await asked("INSERT INTO customer (id, name) VALUES (0, 'platform')")
    await asked("INSERT INTO customer (id, name) VALUES (7, 'seven'), (8, 'eight')")
    await asked("INSERT INTO transport (id, customer_id, name, kind) VALUES (1, 7, 'one', 'smtp')")
    done = await acme.brought(rich, tmp_path / "first")
    left = {one.entity: one.rejected for one in done if one.rejected}
    assert left == {"customer": 1, "person": 1, "billing_contact": 1}
    await saved(rich, tmp_path / "second", format_)
    first, second = texts(tmp_path / "first"), texts(tmp_path / "second")
    for name, text in second.items():
        if name.partition(".")[0] not in left:
            assert text == first[name]


async def test_no_secret_goes_out(rich: door.Store, tmp_path: Path) -> None:
    """A password's hash is in no file, nor is anything that isn't a column of an import."""
    await saved(rich, tmp_path / "out", "jsonl")
    assert "secret-mark" not in "".join(texts(tmp_path / "out").values())
    for name, text in texts(tmp_path / "out").items():
        entity = BY_NAME[name.partition(".")[0]]
        for line in text.splitlines():
            assert tuple(json.loads(line)) == entity.names


async def test_json_has_values(rich: door.Store, tmp_path: Path) -> None:
    """Numbers, truths, lists and objects are what JSON has for them."""
    await saved(rich, tmp_path / "out", "jsonl")
    [ann, *_] = map(json.loads, (tmp_path / "out/person.jsonl").read_text().splitlines())
    assert ann["id"] == 1
    assert ann["pseudo"] is False
    assert ann["addresses"] == ["ann@acme.example"]
    assert ann["allowed_sources"] == ["192.0.2.0/24", "2001:db8::/32"]
    assert ann["deleted_at"] == "2026-01-02T03:04:05.678901Z"
    [role, *_] = map(json.loads, (tmp_path / "out/role.jsonl").read_text().splitlines())
    assert role["privileges"] == {"act_for_subcustomers": 1, "send_emails": 1}


async def test_as_of_one_moment(acmes: door.Store, dsn: str, tmp_path: Path) -> None:
    """What is changed after an export has begun is in none of its files."""
    async with exporting.reading(acmes) as session, door.opened(reach(dsn)) as other:
        pieces: list[bytes] = []
        await exporting.exported(session, "list", "csv", pieces.append)
        async with other.session() as writing:
            await writing._connection.execute("UPDATE contact SET first_name = 'changed'")
        await exporting.exported(session, "contact", "csv", pieces.append)
    assert b"changed" not in b"".join(pieces)
    assert pieces


async def test_rows_of_any_size(
    imports: Import, written: Written, store: door.Store, tmp_path: Path
) -> None:
    """Rows that come in several pieces, or several in one, are whole in JSON Lines."""
    large = "y" * 300_000
    path = written(
        "unsubscribe_text.csv",
        "language,mention_html,mention_text,page_text",
        *(f'l{n},"{large} ""{n}""\n",b,c' for n in range(5)),
    )
    await imports(path)
    await saved(store, tmp_path / "out", "jsonl")
    lines = (tmp_path / "out/unsubscribe_text.jsonl").read_text().splitlines()
    assert [json.loads(line)["mention_html"] for line in lines] == [
        f'{large} "{n}"\n' for n in range(5)
    ]
