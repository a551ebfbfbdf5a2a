"""Log lines: one JSON object each, or a readable line on a terminal.

A line never raises in the caller, never waits for a slow reader, never holds a body or a secret,
and above debug no mail address unless configured (S15, S51). Lines of the libraries take the same
road, at most one per ten seconds and cause.

Fields are keywords: `log.info("batch.claimed", size=500)`. A type of event is called `event_type`,
since `event` is the line's own. Positional arguments would mean %-formatting: there are none.
"""

import logging
import os
import re
import select
import sys
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, TypeAlias

import orjson
import structlog
from structlog.typing import FilteringBoundLogger, WrappedLogger

Level = Literal["debug", "info", "warning", "error"]
Form = Literal["auto", "json", "console"]
Addresses = Literal["masked", "plain", "none"]
Fields = MutableMapping[str, Any]
Log: TypeAlias = FilteringBoundLogger
"""What writes lines under one name."""

TEXT_LIMIT = 1000
"""Characters of one field; with it a line stays below what a pipe takes at once."""
ITEM_LIMIT = 20
"""Items of a list in a field."""
TRACE_LIMIT = 2500
"""Characters of a traceback, its end."""

ADDRESS_FIELDS = frozenset({"recipient", "address", "sender", "norm"})
SECRET_FIELDS = frozenset(
    {"password", "secret", "token", "authorization", "cookie", "hash_key"}
    | {"body", "html", "vars"}
)

_AS_IT_IS = (int, float, bool, type(None))
_LEVELS = (logging.INFO, logging.WARNING, logging.ERROR)
_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}  # syslog's numbers
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_CONTROL_BUT_LINE_END = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ADDRESS = re.compile(r"""([^\s<>@()\[\],;:"'/=*])[^\s<>@()\[\],;:"'/=]*@(?=\w)""")
_LOGIN = re.compile(r"(?<=://)[^\s/@]*:[^\s/@]*(?=@)|(?<=password=)[^\s&]+", re.IGNORECASE)


def get(name: str) -> FilteringBoundLogger:
    """The logger of a file; `name` is room and file, as in `delivery.pool`."""
    log: FilteringBoundLogger = structlog.get_logger(name)
    return log


class Seldom:
    """Leave to speak at most once per `seconds` and cause; what is swallowed is counted.

    For lines that a broken world would repeat for ever: a broker away, a relay that refuses.
    """

    def __init__(
        self,
        seconds: float = 10.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        causes: int = 500,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._causes = causes
        self._spoken: dict[object, float] = {}
        self._swallowed: dict[object, int] = {}

    def ask(self, cause: object) -> int | None:
        """How many were swallowed since the last line of this cause, or None: swallow this one."""
        now = self._clock()
        if now - self._spoken.get(cause, -self._seconds) < self._seconds:
            self._swallowed[cause] = self._swallowed.get(cause, 0) + 1
            return None
        if len(self._spoken) >= self._causes:  # strange causes must not fill the memory
            self._spoken.clear()
            self._swallowed.clear()
        self._spoken[cause] = now
        return self._swallowed.pop(cause, 0)


def configure(
    *,
    level: Level = "info",
    form: Form = "auto",
    addresses: Addresses = "masked",
    stream: TextIO | None = None,
) -> None:
    """Everything from here on goes to `stream` (standard error) in this form; may be repeated."""
    way = _Way(stream or sys.stderr)
    console = form == "console" or (form == "auto" and way.is_terminal)
    structlog.configure(
        processors=[_Line(_console(colors=way.is_terminal) if console else _json, way=way)],
        logger_factory=way.named,
        # a cached logger would keep its level for ever
        cache_logger_on_first_use=False,
    )
    foreign = logging.getLogger()
    foreign.handlers[:] = [_Foreign()]
    logging.captureWarnings(capture=True)
    adjust(level=level, addresses=addresses)


def adjust(*, level: Level, addresses: Addresses) -> None:
    """What a reload may change, from the next line on; a logger made by `bind` keeps its level."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(number))
    # debug lines of the libraries would show frames, and so bodies
    logging.getLogger().setLevel(max(number, logging.INFO))
    _Line.addresses = addresses


def sign(**fields: Any) -> None:
    """What every further line of this process has as well."""
    structlog.contextvars.bind_contextvars(**fields)


class _Way:
    """The way out: whole lines to a file descriptor, dropped and counted when it would block."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lost = 0
        self._poll = None
        self.is_terminal = stream.isatty()
        self.is_journal = False
        try:
            self._descriptor = stream.fileno()
        except (OSError, ValueError):  # a StringIO has none
            return
        self.is_journal = _is_journal(self._descriptor)
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLOUT)

    def named(self, name: str = "") -> "_Named":
        """What structlog wraps: this way, and whose lines they are."""
        return _Named(self, name)

    def write(self, line: bytes) -> None:
        """Never raises, never waits; a gap is told as soon as there is room again."""
        try:
            if not self._put(line):
                self._lost += 1
            elif self._lost and self._put(b'{"event":"log.lost","lines":%d}\n' % self._lost):
                self._lost = 0
        except (OSError, ValueError):  # reader gone, stream closed
            self._lost += 1

    def _put(self, line: bytes) -> bool:
        if self._poll is None:
            self._stream.write(line.decode())
            return True
        if not self._poll.poll(0):
            return False
        # ready means that a pipe takes 4096 octets now; longer lines are few (see TRACE_LIMIT)
        os.write(self._descriptor, line)
        return True


class _Named:
    """A way out with the name that its lines carry."""

    def __init__(self, way: _Way, name: str) -> None:
        self.name = name
        self.debug = self.info = self.warning = self.error = self.critical = way.write


class _Line:
    """The only processor: fields in, octets out, whatever the fields are."""

    addresses: Addresses = "masked"

    def __init__(self, render: Callable[[Fields], str], *, way: _Way) -> None:
        self._render = render
        self._is_journal = way.is_journal

    def __call__(self, logger: WrappedLogger, level: str, fields: Fields) -> bytes:
        """One line, ended; with `<N>` before it when the journal reads."""
        try:
            text = self._render(self._arrange(getattr(logger, "name", ""), level, fields))
        except Exception as error:  # noqa: BLE001 - the edge: a line never raises in the caller
            text = _json({"level": "error", "event": "log.broken", "fault": type(error).__name__})
        if self._is_journal:
            text = "\n".join(f"<{_PRIORITY[level]}>{line}" for line in text.split("\n"))
        return text.encode("utf-8", "replace") + b"\n"

    def _arrange(self, name: str, level: str, fields: Fields) -> Fields:
        """When, how grave, who, what; then the caller's fields and a traceback, all clean."""
        masking = _masking(self.addresses, level)
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        trace = _trace(fields.pop("exc_info", None))
        line: Fields = {"timestamp": stamp, "level": level, "logger": name}
        line["event"] = masking(clean(str(fields.pop("event", ""))))
        for key, value in {**structlog.contextvars.get_contextvars(), **fields}.items():
            if key in ADDRESS_FIELDS and self.addresses == "none":
                continue
            name = f"{key}_" if key in line else key
            line[name] = "***" if key in SECRET_FIELDS else _plain(value, masking)
        if trace:
            line["exception"] = masking(trace)
        return line


class _Foreign(logging.Handler):
    """Lines of the standard library's loggers: through the same chain, and seldom."""

    def __init__(self) -> None:
        super().__init__()
        self._seldom = Seldom()

    def emit(self, record: logging.LogRecord) -> None:
        """The message becomes the event; the template is the cause that is counted by."""
        swallowed = self._seldom.ask((record.name, str(record.msg)))
        if swallowed is None:
            return
        fields = {"swallowed": swallowed} if swallowed else {}
        # levels of their own, between ours, count as the one below
        level = max(ours for ours in _LEVELS if ours <= max(record.levelno, logging.INFO))
        get(record.name).log(level, _message(record), exc_info=record.exc_info, **fields)


def clean(text: str) -> str:
    """Fit for one line: no controls, no lone surrogates, no login within a URL, cut short."""
    text = _CONTROL.sub(" ", text) if not text.isprintable() else text
    text = _without_login(text)
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def _without_login(text: str) -> str:
    """A DSN's user and password as `***`, wherever it was quoted."""
    return _LOGIN.sub("***", text) if "://" in text or "=" in text else text


def masked(text: str) -> str:
    """The same text with every mail address shown as `a***@example.com`."""
    return _ADDRESS.sub(r"\1***@", text) if "@" in text else text


def _masking(addresses: Addresses, level: str) -> Callable[[str], str]:
    if addresses == "none":
        return lambda text: _ADDRESS.sub("***@", text) if "@" in text else text
    if addresses == "plain" or level == "debug":
        return lambda text: text
    return masked


def _plain(value: object, masking: Callable[[str], str]) -> object:
    """A value that JSON can say; what it can't say, as text."""
    if isinstance(value, str):
        return masking(clean(value))
    if isinstance(value, _AS_IT_IS) and not _is_too_large(value):
        return value
    if isinstance(value, bytes | bytearray | memoryview):  # a body, or a part of one
        return f"<{len(value)} octets>"
    if isinstance(value, Mapping):
        return {clean(str(key)): _plain(item, masking) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, masking) for item in list(value)[:ITEM_LIMIT]]
    return masking(clean(str(value)))


def _is_too_large(value: object) -> bool:
    """Whether JSON, as others read it, has no room for this integer."""
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _trace(exc_info: Any) -> str:
    """The traceback of `exc_info=`: an exception, a triple, or True for the current one; clean."""
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    elif exc_info and not isinstance(exc_info, tuple):
        exc_info = sys.exc_info()
    if not exc_info or exc_info[0] is None:
        return ""
    text = "".join(traceback.format_exception(*exc_info)).rstrip("\n")
    return _without_login(_CONTROL_BUT_LINE_END.sub(" ", text))[-TRACE_LIMIT:]


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # arguments that don't fit the template
        return str(record.msg)


def _json(fields: Fields) -> str:
    return orjson.dumps(fields, option=orjson.OPT_NON_STR_KEYS).decode()


def _console(*, colors: bool) -> Callable[[Fields], str]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=colors and "NO_COLOR" not in os.environ, sort_keys=False
    )
    return lambda fields: str(renderer(None, "", fields))


def _is_journal(descriptor: int) -> bool:
    """Whether systemd's journal reads there (systemd.exec(5), $JOURNAL_STREAM)."""
    stream = os.environ.get("JOURNAL_STREAM")
    if not stream:
        return False
    status = os.fstat(descriptor)
    return stream == f"{status.st_dev}:{status.st_ino}"
