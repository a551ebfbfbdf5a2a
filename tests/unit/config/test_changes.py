"""What a reload says."""

from daemon import config
from daemon.config import Config, schema


def settings(**sections):
    """A configuration with these sections, one customer and one transport."""
    relay = {"id": 7, "customer": 1, "name": "x", "host": "h", **sections.pop("relay", {})}
    rows = {"customer": [{"id": 1, "name": "one"}], "transport": [relay]}
    return Config.model_validate({**rows, **sections})


def test_nothing_changed():
    """Two loads of the same are the same."""
    assert config.changed(settings(), settings()) == []


def test_change():
    """A change has its key, both values as they are written, and says if it waits for a restart."""
    old = settings(log={"level": "info"}, events={"confirm_timeout": "30s"})
    new = settings(log={"level": "debug"}, events={"confirm_timeout": "1m"})
    assert config.changed(old, new) == [
        config.Change(key="events.confirm_timeout", before="30s", after="1m", needs_restart=True),
        config.Change(key="log.level", before="info", after="debug", needs_restart=False),
    ]


def test_rows():
    """Rows are compared by their id; those that came and went are one change each."""
    old = settings(relay={"port": 25})
    new = settings(relay={"port": 26}, customer=[{"id": 2, "name": "two"}])
    said = [(change.key, change.before, change.after) for change in config.changed(old, new)]
    assert said == [
        ("customer.1", "removed", ""),
        ("customer.2", "", "added"),
        ("transport.7.port", "25", "26"),
    ]
    assert not any(change.needs_restart for change in config.changed(old, new))


def test_secret():
    """A new password is told, never shown."""
    old = settings(relay={"username": "u", "password": "canary1"})
    new = settings(relay={"username": "u", "password": "canary2"})
    (change,) = config.changed(old, new)
    assert (change.key, change.before, change.after) == ("transport.7.password", "***", "***")


def test_flat_hides_secrets():
    """`flat` has every key, and no secret."""
    shown = config.flat(settings(postgres={"dsn": "canary"}))
    assert shown["postgres.dsn"] == "***"
    assert shown["dispatch.permit_window"] == "250ms"
    assert shown["intake.max_parcel"] == "40MiB"
    assert "canary" not in str(shown)


def test_live_keys_are_keys():
    """What a section calls live is there."""
    for key, _ in schema.entries():
        above = schema.field_at(key[:-1])
        section = schema.section_of(above) if above else Config
        assert section is not None
        assert set(section.model_fields) >= section.LIVE


def test_merged_keeps_what_needs_a_restart():
    """A reload takes what is live, in sections and in rows, and leaves the rest as it was."""
    old = settings(relay={"port": 25}, log={"level": "info", "format": "json"})
    new = settings(
        relay={"port": 26, "customer": 2},
        customer=[{"id": 1, "name": "one"}, {"id": 2, "name": "two"}],
        log={"level": "debug", "format": "console"},
        rabbitmq={"prefix": "other"},
    )
    taken = config.merged(old, new)
    assert (taken.log.level, taken.log.format) == ("debug", "json")
    assert taken.rabbitmq.prefix == old.rabbitmq.prefix
    assert (taken.transport[0].port, taken.transport[0].customer) == (26, 1)
    assert [row.id for row in taken.customer] == [1, 2]
    waiting = {change.key for change in config.changed(taken, new)}
    assert waiting == {c.key for c in config.changed(old, new) if c.needs_restart}


def test_a_change_in_words():
    """What is logged of a change: key, both values, nothing of a secret."""
    old = settings(relay={"username": "u", "password": "canary1"})
    new = settings(relay={"port": 26}, customer=[{"id": 1, "name": "one"}, {"id": 2, "name": "b"}])
    assert [str(change) for change in config.changed(old, new)] == [
        "customer.2 added",
        "transport.7.port: 25 → 26",
        "transport.7.username: u → empty",
        "transport.7.password: *** → empty",
    ]
