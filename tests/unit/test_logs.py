"""What a log line is, and what it never is."""

import io
import json
import logging
import os
import sys
import warnings

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon import logs, redact


@pytest.fixture(autouse=True)
def _undisturbed():
    """Logging as it was, for whoever comes next."""
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.setLevel(before[0])
    root.handlers[:] = before[1]


@pytest.fixture
def lines():
    """A configured stream; calling it gives the lines so far, decoded, and forgets them."""
    stream = io.StringIO()

    def written(**options):
        if options:
            logs.configure(stream=stream, **{"form": "json", **options})
            return []
        text = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        return [json.loads(line) for line in text.splitlines()]

    written(level="info")
    return written


log = logs.get("room.file")


def test_line(lines):
    """A line has its time, level, logger and event, then the fields as they were given."""
    log.info("batch.claimed", size=500, level="x", late=None, ratio=0.5, ok=True)
    (line,) = lines()
    assert list(line)[:4] == ["timestamp", "level", "logger", "event"]
    assert line["timestamp"].endswith("+00:00")
    assert (line["level"], line["logger"], line["event"]) == ("info", "room.file", "batch.claimed")
    assert (line["size"], line["level_"]) == (500, "x")
    assert (line["late"], line["ratio"], line["ok"]) == (None, 0.5, True)


def test_level_and_its_change(lines):
    """What is below the level isn't written, and a reload moves the level of existing loggers."""
    log.debug("one")
    logs.adjust(level="debug", addresses="masked")
    log.debug("two")
    logs.adjust(level="error", addresses="masked")
    log.warning("three")
    assert [line["event"] for line in lines()] == ["two"]


@pytest.mark.parametrize(
    ("addresses", "recipient", "text"),
    [
        ("masked", "b***@example.com", "550 <b***@example.com> unknown"),
        ("plain", "bob@example.com", "550 <bob@example.com> unknown"),
        ("none", None, "550 <***@example.com> unknown"),
    ],
)
def test_addresses(lines, addresses, recipient, text):
    """Addresses are shown as configured, in the fields that hold one and in what servers say."""
    lines(addresses=addresses)
    log.info("x", recipient="bob@example.com", text="550 <bob@example.com> unknown")
    (line,) = lines()
    assert line.get("recipient") == recipient
    assert line["text"] == text


@given(st.from_regex(r"[\w.+ <]{0,6}(@[\w.+ <]{0,6}){0,3}", fullmatch=True))
def test_a_plain_address_needs_no_search(text):
    """What the quick look makes of a text is what the search makes of it."""
    assert redact.masked(text) == redact._ADDRESS.sub(r"\1***@", text)


def test_debug_may_show_addresses(lines):
    """Masking is for what is written every day."""
    lines(level="debug")
    log.debug("x", recipient="bob@example.com")
    assert lines()[0]["recipient"] == "bob@example.com"


def test_secrets_and_bodies(lines):
    """Logins in URLs, fields of secret names and octets never reach a line (S15, S51)."""
    canary = "canary"
    fields = dict.fromkeys(redact.SECRET_FIELDS, canary)
    log.info("x", url=f"amqp://user:{canary}@host/", data=canary.encode(), **fields)
    (line,) = lines()
    assert canary not in json.dumps(line)
    assert line["url"] == "amqp://***@host/"
    assert line["data"] == "<6 octets>"


def test_strange_text(lines):
    """Controls, lone surrogates and floods don't survive, in values and in what is nested."""
    log.info("x", text="a\r\nb\x1b[31m\ud800", deep={"k\n": ["\udfff" * 2]}, long="y" * 5000)
    (line,) = lines()
    assert line["text"] == "a b [31m "
    assert line["deep"] == {"k ": [" "]}
    assert len(line["long"]) == redact.TEXT_LIMIT


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]))
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(fields=st.dictionaries(st.sampled_from(["a", "recipient", "exc_info", "level"]), ANYTHING))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_raises(lines, fields):
    """Whatever the fields are, there is one line, and the caller hears nothing."""
    log.info("x", **fields)
    assert len(lines()) == 1


class Spiteful:
    """A value that can't even be shown."""

    def __str__(self):
        raise RuntimeError("no")


def test_what_cannot_be_shown(lines):
    """A field that raises while it is written costs its line, and says so."""
    log.info("x", value=Spiteful())
    assert lines()[0]["event"] == "log.broken"


def test_traceback(lines):
    """A traceback is one field, with its line ends, and without addresses."""
    try:
        int("bob@example.com")
    except ValueError:
        log.exception("part.ended")
    (line,) = lines()
    assert line["level"] == "error"
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("'b***@example.com'")


def test_traceback_without_login(lines):
    """A DSN in an exception's text shows no login (S15)."""
    for text in ("bad: postgresql://u:canary@host/db", "bad: host=h password=canary user=u"):
        log.error("x", exc_info=ValueError(text), reason=text)
    assert "canary" not in json.dumps(lines())


def test_libraries_speak_through_us(lines):
    """Other loggers' lines have our form, are masked, and their debugging is never heard."""
    lines(level="debug")
    logging.getLogger("aiohttp.client").debug("frame")
    logging.getLogger("aiohttp").warning("lost %s of bob@x.org\n", 3)
    (line,) = lines()
    assert (line["logger"], line["level"]) == ("aiohttp", "warning")
    assert line["event"] == "lost 3 of b***@x.org "


def test_libraries_speak_seldom(lines):
    """A library that repeats itself is heard once."""
    for number in range(50):
        logging.getLogger("aiohttp").error("attempt %s failed", number)
    logging.getLogger("aiohttp").error("something else")
    assert [line["event"] for line in lines()] == ["attempt 0 failed", "something else"]


def test_libraries_may_be_wrong(lines):
    """A template that doesn't fit its arguments is written as it is."""
    record = logging.makeLogRecord({"name": "asyncio", "levelno": 35, "msg": "%s %s", "args": (1,)})
    logging.getLogger().handlers[0].emit(record)
    (line,) = lines()
    assert (line["event"], line["level"]) == ("%s %s", "warning")


def test_warnings_are_lines(lines):
    """A Python warning doesn't break the stream's form."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old ways", stacklevel=1)
    assert lines()[0]["logger"] == "py.warnings"


def test_context(lines):
    """What was bound around the call is in the line."""
    with structlog.contextvars.bound_contextvars(job=7):
        log.info("x")
    assert lines()[0]["job"] == 7


def test_many_at_once(lines):
    """Lines of many rows are what the logger would write of each: same fields, same care."""
    rows = [
        {"recipient": f"p{n}@there.test", "reply": f"250 Ok\n{n}", "level": n} for n in range(60)
    ]
    logs.each("room.file", "delivery", rows)
    together = lines()
    for row in rows:
        log.info("delivery", **row)
    assert [line | {"timestamp": 0} for line in together] == [
        line | {"timestamp": 0} for line in lines()
    ]
    assert "***@" in together[0]["recipient"]
    logs.adjust(level="warning", addresses="masked")
    logs.each("room.file", "delivery", rows)
    assert lines() == []


def test_many_where_nobody_has_configured_us(capsys):
    """They are written all the same, as structlog writes a line by itself."""
    logs.each("room.file", "delivery", [{"n": n} for n in range(3)])
    assert capsys.readouterr().out.count("delivery") == 3


def test_many_in_few_writes(monkeypatch):
    """A write takes no more than a pipe that is ready: whole lines, all of them, in their order."""
    read, written = os.pipe()
    packs = []
    monkeypatch.setattr(os, "write", lambda _, octets: packs.append(octets))
    with os.fdopen(written, "w") as stream:
        logs.configure(stream=stream, form="json")
        logs.each("room.file", "many", ({"n": n, "text": "x" * (n % 700)} for n in range(900)))
    os.close(read)
    assert max(map(len, packs)) <= 4096
    assert len(packs) < 900 / 5
    assert [json.loads(line)["n"] for line in b"".join(packs).splitlines()] == [*range(900)]


def test_console():
    """On request a line is for people: one line, no colours off a terminal."""
    stream = io.StringIO()
    logs.configure(form="console", stream=stream)
    log.warning("relay.slow", relay="h:25")
    assert "relay.slow" in stream.getvalue()
    assert "relay=h:25" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_journal(tmp_path, monkeypatch, form):
    """When the journal reads, every line begins with its priority, those of a traceback too."""
    with (tmp_path / "journal").open("w") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        logs.configure(form=form, stream=stream)
        log.info("one")
        log.error("two", exc_info=ValueError("x"))
    first, *rest = (tmp_path / "journal").read_text().splitlines()
    assert first.startswith("<6>")
    assert rest
    assert all(line.startswith("<3>") for line in rest)


def test_reader_that_stopped_reading():
    """A full pipe holds nobody up; when there is room again, the gap is told (H16)."""
    source, sink = os.pipe()
    with os.fdopen(source, "rb") as reader, os.fdopen(sink, "w") as stream:
        logs.configure(form="json", stream=stream)
        for _ in range(500):
            log.info("x", text="y" * 500)
        os.read(reader.fileno(), 65536)
        log.info("again")
        told = os.read(reader.fileno(), 65536).decode().splitlines()
    assert json.loads(told[-2])["event"] == "again"
    assert json.loads(told[-1])["event"] == "log.lost"
    assert json.loads(told[-1])["lines"] > 100


def test_reader_that_is_gone(tmp_path):
    """A closed stream is no reason to fail."""
    with (tmp_path / "log").open("w") as stream:
        logs.configure(form="json", stream=stream)
    log.info("x")
    assert (tmp_path / "log").read_text() == ""
    assert sys.stderr is not None


def test_seldom():
    """Once per cause and span, with the count of what was swallowed in between."""
    now = [100.0]
    seldom = logs.Seldom(10, clock=lambda: now[0])
    assert [seldom.ask("a"), seldom.ask("a"), seldom.ask("a"), seldom.ask("b")] == [
        0,
        None,
        None,
        0,
    ]
    now[0] += 10
    assert [seldom.ask("a"), seldom.ask("b"), seldom.ask("a")] == [2, 0, None]


def test_seldom_forgets():
    """Causes that strangers make up don't fill the memory."""
    seldom = logs.Seldom(causes=10, clock=lambda: 0.0)
    for cause in range(1000):
        seldom.ask(cause)
    assert len(seldom._spoken) <= 10
