"""Log lines: one JSON object each, or a readable line on a terminal.

A line never raises in the caller, never waits for a slow reader, never holds a body or a secret,
and above debug no mail address unless configured (S15, S51). Lines of the libraries take the same
road, at most one per ten seconds and cause. That holds for our own parts too, all together: a cause
is a server that is away, however that shows, or one "no" of a server that is there.

Fields are keywords: `log.info("batch.claimed", size=500)`. A type of event is called `event_type`,
since `event` is the line's own. Positional arguments would mean %-formatting: there are none.
"""

import logging
import os
import select
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, TypeAlias

import orjson
import structlog
from structlog.typing import FilteringBoundLogger, WrappedLogger

from daemon import redact
from daemon.outage import Outage
from daemon.redact import Addresses

Level = Literal["debug", "info", "warning", "error"]
Form = Literal["auto", "json", "console"]
Fields = MutableMapping[str, Any]
Log: TypeAlias = FilteringBoundLogger
"""What writes lines under one name."""

_LEVELS = (logging.INFO, logging.WARNING, logging.ERROR)
_AT_ONCE = 4096
"""Octets that a pipe which is ready takes without waiting."""
_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}  # syslog's numbers


def get(name: str) -> FilteringBoundLogger:
    """The logger of a file; `name` is room and file, as in `delivery.pool`."""
    log: FilteringBoundLogger = structlog.get_logger(name)
    return log


def each(name: str, event: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """An info line of `name` for each row of fields, as its logger would write them one by one.

    For what happens by the thousand: what the lines share is arranged once, and a write has many.
    """
    line = structlog.get_config()["processors"][-1]
    if isinstance(line, _Line):
        line.each(name, event, rows)
    else:  # nobody has configured us
        for row in rows:
            get(name).info(event, **row)


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


_outages = Seldom()
"""Of all parts of this process."""


def outage(log: Log, line: str, error: Outage, **fields: Any) -> None:
    """A warning of this name, unless somebody told of the same cause a moment ago.

    A server that is away stops ten parts at once, and each would say so. The first one does, and
    the next line of that cause says how many were kept back since.
    """
    swallowed = _outages.ask(error.cause)
    if swallowed is not None:
        log.warning(line, cause=error.cause, why=str(error), **fields, swallowed=swallowed)


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
    _Line.addresses, _Line.level = addresses, number


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

    def write(self, *lines: bytes) -> None:
        """Never raises, never waits; a gap is told as soon as there is room again."""
        try:
            if not self._put(b"".join(lines)):
                self._lost += len(lines)
            elif self._lost and self._put(b'{"event":"log.lost","lines":%d}\n' % self._lost):
                self._lost = 0
        except (OSError, ValueError):  # reader gone, stream closed
            self._lost += len(lines)

    def _put(self, lines: bytes) -> bool:
        if self._poll is None:
            self._stream.write(lines.decode())
            return True
        if not self._poll.poll(0):
            return False
        # ready means that a pipe takes so much now; longer lines are few (see `redact.TRACE_LIMIT`)
        os.write(self._descriptor, lines)
        return True


class _Named:
    """A way out with the name that its lines carry."""

    def __init__(self, way: _Way, name: str) -> None:
        self.name = name
        self.debug = self.info = self.warning = self.error = self.critical = way.write


class _Line:
    """The only processor: fields in, octets out, whatever the fields are."""

    addresses: Addresses = "masked"
    level = logging.INFO

    def __init__(self, render: Callable[[Fields], bytes], *, way: _Way) -> None:
        self._render = render
        self._way = way

    def __call__(self, logger: WrappedLogger, level: str, fields: Fields) -> bytes:
        """One line, ended; with `<N>` before it when the journal reads."""
        event, trace = str(fields.pop("event", "")), fields.pop("exc_info", None)
        mask = redact.masking(self.addresses, level)
        head = self._head(getattr(logger, "name", ""), level, event, mask)
        return self._line(head, fields, mask, trace)

    def each(self, name: str, event: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Writes a line for each row."""
        if self.level > logging.INFO:
            return
        mask = redact.masking(self.addresses, "info")
        head = self._head(name, "info", event, mask)
        for lines in _packed(self._line(head, row, mask) for row in rows):
            self._way.write(*lines)

    def _head(self, name: str, level: str, event: str, mask: redact.Mask) -> dict[str, Any]:
        """When, how grave, who, what, and what this process signs with."""
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        head = {"timestamp": stamp, "level": level, "logger": name}
        head["event"] = mask(redact.clean(event))
        return self._with(head, structlog.contextvars.get_contextvars(), mask)

    def _line(
        self,
        head: dict[str, Any],
        fields: Mapping[str, Any],
        mask: redact.Mask,
        trace: object = None,
    ) -> bytes:
        try:
            line = self._with(head, fields, mask)
            if text := redact.trace(trace):
                line["exception"] = mask(text)
            rendered = self._render(line)
        except Exception as error:  # noqa: BLE001 - the edge: a line never raises in the caller
            broken = {"level": "error", "event": "log.broken", "fault": type(error).__name__}
            rendered = _json(broken)
        if self._way.is_journal:
            priority = b"<%d>" % _PRIORITY[head["level"]]
            rendered = b"\n".join(priority + line for line in rendered.split(b"\n"))
        return rendered + b"\n"

    def _with(
        self, head: dict[str, Any], fields: Mapping[str, Any], mask: redact.Mask
    ) -> dict[str, Any]:
        """What is said already, and these fields; no name is said twice."""
        shown = redact.shown(fields, mask, with_addresses=self.addresses != "none")
        for name in head.keys() & shown.keys():
            shown[f"{name}_"] = shown.pop(name)
        return {**head, **shown}


def _packed(lines: Iterable[bytes]) -> Iterator[Sequence[bytes]]:
    """As many lines as one write may have, each time; one that is longer goes alone."""
    pack: list[bytes] = []
    size = 0
    for line in lines:
        if pack and size + len(line) > _AT_ONCE:
            yield pack
            pack, size = [], 0
        pack.append(line)
        size += len(line)
    if pack:
        yield pack


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


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # arguments that don't fit the template
        return str(record.msg)


def _json(fields: Fields) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_NON_STR_KEYS)


def _console(*, colors: bool) -> Callable[[Fields], bytes]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=colors and "NO_COLOR" not in os.environ, sort_keys=False
    )
    return lambda fields: str(renderer(None, "", fields)).encode("utf-8", "replace")


def _is_journal(descriptor: int) -> bool:
    """Whether systemd's journal reads there (systemd.exec(5), $JOURNAL_STREAM)."""
    stream = os.environ.get("JOURNAL_STREAM")
    if not stream:
        return False
    status = os.fstat(descriptor)
    return stream == f"{status.st_dev}:{status.st_ino}"
