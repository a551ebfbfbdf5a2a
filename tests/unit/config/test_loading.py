"""One source over the other, and all flaws at once."""

import pytest

from daemon import config

ROWS = """
[[customer]]
id = 1
name = "one"

[[transport]]
id = 7
customer = 1
name = "relay"
host = "127.0.0.1"
"""


@pytest.fixture
def folder(tmp_path):
    """A folder that files are written to by name, with `conf.d` in it."""
    (tmp_path / "conf.d").mkdir()

    def write(name="config.toml", text=""):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def flaws(path, **given):
    """What `load` complains of: (line, key, message) each."""
    with pytest.raises(config.ConfigError) as caught:
        config.load(path, **{"environ": {}, **given})
    return caught.value.flaws


def test_defaults():
    """Without any source there is a whole configuration, and nothing was set."""
    loaded = config.load(None, environ={"HOME": "/root"})
    assert loaded.config.delivery.timeouts.dot == 600.0
    assert loaded.config.intake.anonymous is None
    assert loaded.origins == {}


def test_precedence(folder):
    """Default < file < conf.d by name < environment < command line, key by key."""
    path = folder(text='[log]\nlevel = "error"\nformat = "json"\n[retry]\nfirst = "1s"\ncap = "2s"')
    folder("conf.d/20.toml", '[retry]\nfirst = "3s"\n[log]\nlevel = "warning"')
    folder("conf.d/10.toml", '[retry]\nfirst = "2s"\ncap = "9s"')
    environ = {"DELIVERYD_RETRY__FIRST": "4s", "DELIVERYD_EVENTS__BATCH": "9"}
    loaded = config.load(path, environ=environ, overrides={"retry.first": "5s"})
    assert loaded.config.retry.first == 5.0
    assert loaded.config.retry.cap == 9.0
    assert loaded.config.log.level == "warning"
    assert loaded.config.log.format == "json"
    assert loaded.config.events.batch == 9


def test_origins(folder):
    """Every value that was set knows its file and line, variable or the command line."""
    path = folder(text='[log]\nlevel = "error"\n' + ROWS)
    environ = {"DELIVERYD_TRANSPORT__7__PORT": "99", "DELIVERYD_INTAKE__USERS__SHOP": "1"}
    origins = config.load(path, environ=environ, overrides={"ops.listen": "[::1]:1"}).origins
    said = {key: str(origin) for key, origin in origins.items()}
    assert said["log.level"] == f"{path}:2"
    assert said["transport.7.host"] == f"{path}:12"
    assert said["transport.7.port"] == "environment DELIVERYD_TRANSPORT__7__PORT"
    assert said["intake.users"] == "environment DELIVERYD_INTAKE__USERS__SHOP"
    assert said["ops.listen"] == "command line"


def test_origins_name_keys_of_flat(folder):
    """Origins and `flat` speak of the same keys."""
    loaded = config.load(folder(text=ROWS), environ={"DELIVERYD_DELIVERY__TIMEOUTS__DOT": "1s"})
    assert set(loaded.origins) <= set(config.flat(loaded.config))


def test_rows_of_later_files_are_added(folder):
    """A drop-in adds its customers to those of the file, and its flaws have its own lines."""
    path = folder(text=ROWS)
    folder("conf.d/two.toml", '[[customer]]\nid = 2\nname = "two"')
    loaded = config.load(path, environ={})
    assert [customer.id for customer in loaded.config.customer] == [1, 2]
    drop_in = folder("conf.d/two.toml", '[[customer]]\nid = 1\nname = "two"')
    (flaw,) = flaws(path)
    assert (flaw.file, flaw.line, flaw.key) == (str(drop_in), 2, "customer[1].id")


def test_environment_speaks_toml_for_collections():
    """Lists and tables come from the environment in TOML's own form."""
    environ = {"DELIVERYD_INTAKE__TRUSTED": '["a", "b"]', "DELIVERYD_INTAKE__USERS": "{}"}
    assert config.load(None, environ=environ).config.intake.trusted == ("a", "b")
    (flaw,) = flaws(None, environ={"DELIVERYD_INTAKE__TRUSTED": "a,b"})
    assert flaw.key == "intake.trusted"


def test_values_in_files(tmp_path):
    """`…_FILE` takes the value from a file; a secret that looks like a reference is none."""
    (tmp_path / "key").write_text("env:is-a-password\n")
    (tmp_path / "level").write_text("debug\n")
    environ = {
        "DELIVERYD_INTAKE__HASH_KEY_FILE": str(tmp_path / "key"),
        "DELIVERYD_LOG__LEVEL_FILE": str(tmp_path / "level"),
    }
    loaded = config.load(None, environ=environ)
    assert loaded.config.intake.hash_key.reveal() == "env:is-a-password"
    assert loaded.config.log.level == "debug"


@pytest.mark.parametrize("name", ["DELIVERYD_LOG__LEVEL_FILE", "DELIVERYD_POSTGRES__DSN_FILE"])
def test_value_in_a_file_that_is_not_there(name):
    """A `…_FILE` that can't be read is a flaw that names variable and path."""
    (flaw,) = flaws(None, environ={name: "/nowhere/x"})
    assert name in flaw.file
    assert "/nowhere/x" in flaw.message


def test_value_given_twice(tmp_path):
    """A variable and its `_FILE` twin don't silently win over each other."""
    environ = {"DELIVERYD_LOG__LEVEL": "debug", "DELIVERYD_LOG__LEVEL_FILE": str(tmp_path)}
    (flaw,) = flaws(None, environ=environ)
    assert "DELIVERYD_LOG__LEVEL too" in flaw.message


def test_names_that_set_no_key():
    """The program's other variables and other programs' are left alone."""
    environ = {"DELIVERYD_CONFIG": "x", "DELIVERYD_STATE": "x", "DELIVERYD_CRASH": "x", "LOG": "x"}
    assert config.load(None, environ=environ).origins == {}


def test_all_flaws_at_once(folder):
    """Each flaw has its file, line and key, a misspelling its suggestion, and none is left out."""
    text = '[rabitmq]\nurl = "x"\n[log]\nlevl = "info"\n[delivery.timeouts]\ndot = 5\n'
    path = folder(text=text + "[[customer]]\nid = 1\n[token]\na = 1\n")
    environ = {"DELIVERYD_LOG__FORMT": "json", "DELIVERYD_TYPO": "1"}
    found = flaws(path, environ=environ, overrides={"retry.factor": "x"})
    assert [(flaw.line, flaw.key, flaw.message) for flaw in found if flaw.line] == [
        (1, "rabitmq", "unknown key; did you mean rabbitmq?"),
        (4, "log.levl", "unknown key; did you mean log.level?"),
        (6, "delivery.timeouts.dot", found[2].message),
        (7, "customer[0].name", "is required"),
        (9, "token", "must be a list; a list of tables is written [[name]]"),
    ]
    rest = [(flaw.file, flaw.key) for flaw in found if not flaw.line]
    assert rest == [
        ("command line", "retry.factor"),
        ("environment DELIVERYD_LOG__FORMT", "log.formt"),
        ("environment DELIVERYD_TYPO", "typo"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[log]\nlevel = \n", 2, "is not TOML: Invalid value"),
        ("[log\n", 1, "is not TOML"),
        ("a = 1\na = 2", 2, "is not TOML"),
        (" \n\n", None, "is empty"),
    ],
)
def test_broken_file(folder, text, line, message):
    """A file that isn't TOML, or is empty, is named with the line where it breaks."""
    path = folder(text=text)
    (flaw,) = flaws(path)
    assert (flaw.file, flaw.line) == (str(path), line)
    assert flaw.message.startswith(message)


def test_missing_file(tmp_path):
    """A file that was named and isn't there is an error, not an empty configuration."""
    (flaw,) = flaws(tmp_path / "absent.toml")
    assert "can't be read" in flaw.message


def test_strange_encoding(tmp_path):
    """A file that isn't UTF-8 is named."""
    path = tmp_path / "config.toml"
    path.write_bytes(b"# \xff\n")
    (flaw,) = flaws(path)
    assert flaw.message == "is not UTF-8"


def test_row_by_an_id_that_is_not_there(folder):
    """The environment can change a row, not make one up."""
    (flaw,) = flaws(folder(text=ROWS), environ={"DELIVERYD_TRANSPORT__8__PORT": "1"})
    assert "no row with this id" in flaw.message


@pytest.mark.parametrize(
    "text", ["customer = 3", "[customer]\nid = 1", "log = 3", "[log.level]\na = 1"]
)
def test_wrong_shapes(folder, text):
    """A table where a value belongs, or the other way round, is a flaw and nothing worse."""
    assert flaws(folder(text=text), environ={"DELIVERYD_CUSTOMER__1__NAME": "x"})


def test_no_flaw_shows_a_value(folder):
    """What was written is never repeated: it may be a password in the wrong place (S15)."""
    path = folder(text='[postgres]\npool = "canary"\ndsn = ["canary"]\n[log]\nlevel = "canary"')
    names = ("OPS__LISTEN", "RETRY__FIRST", "INTAKE__USERS", "INTAKE__MAX_PARCEL", "EVENTS")
    environ = {f"DELIVERYD_{name}": "canary" for name in names}
    found = flaws(path, environ=environ)
    assert len(found) == 3 + len(names)
    assert "canary" not in str(config.ConfigError(found))


def test_locate(tmp_path):
    """The named file wins, then the first place that is there."""
    there = tmp_path / "config.toml"
    there.touch()
    assert config.locate({}, tmp_path / "absent", there) == there
    assert config.locate({"DELIVERYD_CONFIG": "/x"}, there) is not None
    assert config.locate({}, tmp_path / "absent") is None
