"""How a database is named to people."""

import pytest

from daemon.store import door


@pytest.mark.parametrize(
    ("dsn", "place"),
    [
        ("postgresql://ann:secret@db1:5433/mail", "db1:5433/mail"),
        ("postgresql://ann@db1,db2:6432/mail", "db1,db2:6432/mail"),
        ("postgresql:///mail?host=/run/postgresql", "/run/postgresql/mail"),
        ("postgresql:///mail?host=db1&port=5433", "db1:5433/mail"),
        ("postgresql:///mail", "the local socket/mail"),
    ],
)
def test_place(dsn: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers and database are named, user and password never."""
    for name in ("PGHOST", "PGPORT", "PGDATABASE"):
        monkeypatch.delenv(name, raising=False)
    assert door.Reach(dsn=dsn, role="test").place == place


def test_place_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a DSN it is what libpq's variables say."""
    monkeypatch.setenv("PGHOST", "db1")
    monkeypatch.setenv("PGPORT", "5433")
    monkeypatch.setenv("PGDATABASE", "mail")
    assert door.Reach(dsn="", role="test").place == "db1:5433/mail"
