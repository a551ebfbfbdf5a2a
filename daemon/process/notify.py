"""systemd's notify protocol (sd_notify(3)): one datagram of `NAME=value` lines to $NOTIFY_SOCKET.

Without that variable nobody listens, and nothing is sent. A send never waits and never raises: a
daemon doesn't depend on whoever watches it.
"""

import os
import socket
import time
from collections.abc import Mapping

from daemon import logs, redact

_log = logs.get("process.notify")
_SECOND = 1_000_000
"""Microseconds, the protocol's unit."""


class Notify:
    """The way to the service manager, if there is one."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self.watchdog = _watchdog(environ)
        """Seconds within which a sign of life is expected again; 0: none is."""
        self._seldom = logs.Seldom()

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._address)

    def ready(self) -> None:
        """Up and running, or done with reloading."""
        self.send(READY="1")

    def reloading(self) -> None:
        """Reads its configuration; `ready` ends it. The time tells this reload from the last."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.send(RELOADING="1", MONOTONIC_USEC=str(now))

    def stopping(self) -> None:
        """On its way out."""
        self.send(STOPPING="1")

    def status(self, text: str, **more: str) -> None:
        """One line for people who ask `systemctl status`; and fields for others."""
        self.send(STATUS=redact.masked(redact.clean(text)), **more)

    def alive(self) -> None:
        """The event loop turns: sent from nowhere but there."""
        self.send(WATCHDOG="1")

    def extend(self, seconds: float) -> None:
        """Starting or stopping goes on, and takes at least so long from now."""
        self.send(EXTEND_TIMEOUT_USEC=str(int(seconds * _SECOND)))

    def send(self, **fields: str) -> None:
        """The fields in one datagram."""
        if not self._address:
            return
        text = "".join(f"{name}={value}\n" for name, value in fields.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
                way.settimeout(0)
                way.sendto(text.encode("utf-8", "replace"), self._address)
        except OSError as error:
            if self._seldom.ask(error.errno) is not None:
                _log.warning("notify.unheard", why=error.strerror)


def _address(written: str) -> str:
    """The socket's address: a path, or with `@` for the first octet a name in the abstract."""
    if written.startswith("@"):
        return f"\0{written[1:]}"
    return written if written.startswith("/") else ""


def _watchdog(environ: Mapping[str, str]) -> float:
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0  # it is another process of the unit that is watched
    microseconds = environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / _SECOND if microseconds.isdecimal() else 0.0
