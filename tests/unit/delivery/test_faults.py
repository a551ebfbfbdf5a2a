"""Why there is no connection, in words."""

import errno
import socket
import ssl

import aiosmtplib
import pytest

from daemon.delivery import faults


def caused(fault: BaseException, cause: BaseException) -> BaseException:
    """The one raised from the other, as libraries wrap what they met."""
    fault.__cause__ = cause
    return fault


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('10.0.0.1', 25)"), "connection refused"),
        (OSError(errno.EHOSTUNREACH, "x"), "no route to host"),
        (OSError(errno.ENETUNREACH, "x"), "network is unreachable"),
        (TimeoutError(), "timed out"),
        (aiosmtplib.SMTPConnectTimeoutError("Timed out connecting"), "timed out"),
        (socket.gaierror(-2, "Name or service not known"), "name or service not known"),
        (ConnectionError("the name has no address"), "the name has no address"),
        (aiosmtplib.SMTPServerDisconnected("Connection lost."), "connection lost"),
        (
            caused(aiosmtplib.SMTPConnectError("x"), ConnectionResetError(errno.ECONNRESET, "y")),
            "connection reset by peer",
        ),
    ],
)
def test_why(fault: BaseException, said: str) -> None:
    """The system's few words, whoever wrapped the fault, whatever loop met it; no address."""
    assert faults.said(fault) == said
    assert not faults.is_about_tls(fault)


def test_tls() -> None:
    """A failed handshake is known under any wrapping, and says why."""
    fault = caused(aiosmtplib.SMTPException("x"), ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] y"))
    assert faults.is_about_tls(fault)
    assert "wrong version number" in faults.said(fault)
