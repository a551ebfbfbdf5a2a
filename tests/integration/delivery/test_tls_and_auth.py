"""TLS and AUTH against servers that we didn't write, and against ones that play foul."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from daemon.delivery.relay import Relay
from daemon.delivery.smtp import SmtpCourier
from daemon.mail.outcome import Deferred, Outcome, Sent
from tests.unit.delivery.scripted import ListSource, attempt

LOGIN, PASSWORD = "news", "kanarienvogel"


@dataclass
class Authority:
    """A self-signed certificate for 127.0.0.1: its own CA file, and the server's context."""

    file: Path
    context: ssl.SSLContext


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Made once."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    openssl = shutil.which("openssl")
    assert openssl is not None
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "7", "-subj", "/CN=relay"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return Authority(certificate, context)


@dataclass
class Inbox:
    """What an aiosmtpd server got, and how often someone tried to log in."""

    received: list[tuple[str, bytes]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Stores it."""
        self.received.append((envelope.rcpt_tos[0], envelope.content))
        return f"250 2.0.0 stored, tls {session.ssl is not None}"

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        """Counts it, and compares."""
        self.logins.append(mechanism)
        good = isinstance(data, LoginPassword) and data.login == LOGIN.encode()
        return AuthResult(success=good and data.password == PASSWORD.encode(), handled=False)


Start = Callable[..., tuple[Inbox, int]]


@pytest.fixture
def aiosmtpd() -> Iterator[Start]:
    """Starts aiosmtpd servers in threads of their own; `implicit` = TLS from the first octet."""
    controllers: list[Controller] = []

    def start(implicit: ssl.SSLContext | None = None, **options: Any) -> tuple[Inbox, int]:
        inbox = Inbox()

        class Ours(Controller):
            def factory(self) -> SMTP:
                return SMTP(inbox, authenticator=inbox.authenticate, loop=self.loop, **options)

        controller = Ours(inbox, hostname="127.0.0.1", port=0, ssl_context=implicit)
        controller.port = _free_port()
        controller.start()
        controllers.append(controller)
        return inbox, controller.port

    yield start
    for controller in controllers:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def relay(port: int, authority: Authority, **fields: Any) -> Relay:
    """At this port, believing in this authority."""
    usual = {"host": "127.0.0.1", "port": port, "ca_file": str(authority.file)}
    return Relay(**(usual | fields))


def deliver(run: Any, to: Relay, count: int = 1) -> list[Outcome]:
    """The outcomes of so many attempts in one run."""
    source = ListSource([attempt(number, b"Subject: x\r\n\r\n.\r\n") for number in range(count)])
    run(SmtpCourier(to).run(source))
    return [outcome for _, outcome in source.settled]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_mail_over_verified_tls(run: Any, aiosmtpd: Start, authority: Authority, tls: str) -> None:
    """With the authority's file the certificate verifies; the mail goes over TLS, as is said."""
    implicit = authority.context if tls == "implicit" else None
    starttls = None if implicit else authority.context
    inbox, port = aiosmtpd(implicit, tls_context=starttls)
    outcomes = deliver(run, relay(port, authority, tls=tls), 3)
    assert [type(outcome) for outcome in outcomes] == [Sent] * 3
    assert {getattr(outcome, "tls", "") for outcome in outcomes} == {"TLSv1.3"}
    assert len(inbox.received) == 3
    assert all(content.endswith(b"\r\n.\r\n") for _, content in inbox.received)


def test_pipelining_over_tls(run: Any, start_sink: Any) -> None:
    """The wire takes over a TLS connection as it does a plain one, one round trip per message."""
    names = "pipelining,8bitmime,size,starttls"
    sink = start_sink("--capabilities", names)
    to = sink.relay(tls="starttls", ca_file=sink.certificate)
    outcomes = deliver(run, to, 50)
    assert [type(outcome) for outcome in outcomes] == [Sent] * 50
    assert {one.tls for one in sink.stored()} == {"TLSv1.3"}
    assert {one.connection for one in sink.stored()} == {1}


@pytest.mark.parametrize("word", ["drop-after-dot", "stall-after-dot-9", "421-at-dot"])
def test_faults_over_tls(run: Any, start_sink: Any, word: str) -> None:
    """What a lost connection means doesn't depend on who encrypts it."""
    sink = start_sink("--capabilities", "pipelining,starttls")
    to = sink.relay(tls="starttls", ca_file=sink.certificate)
    source = ListSource([attempt(0, recipient=f"{word}+x@there.test"), attempt(1)])
    run(SmtpCourier(to).run(source))
    kind = "Deferred" if word.startswith("421") else "InDoubt"
    assert [type(outcome).__name__ for _, outcome in source.settled] == [kind, "Sent"]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_that_does_not_verify(
    run: Any, aiosmtpd: Start, authority: Authority, tls: str
) -> None:
    """Unknown authority: deferred, nothing sent, above all no credentials."""
    implicit = authority.context if tls == "implicit" else None
    inbox, port = aiosmtpd(implicit, tls_context=None if implicit else authority.context)
    to = relay(port, authority, tls=tls, ca_file=None, username=LOGIN, password=PASSWORD)
    (outcome,) = deliver(run, to)
    assert isinstance(outcome, Deferred)
    assert outcome.reason == "tls"
    assert (inbox.received, inbox.logins) == ([], [])


def test_a_certificate_for_another_name(run: Any, aiosmtpd: Start, authority: Authority) -> None:
    """The certificate must name the host that we meant."""
    inbox, port = aiosmtpd(None, tls_context=authority.context)
    (outcome,) = deliver(run, relay(port, authority, host="localhost", tls="starttls"))
    assert isinstance(outcome, Deferred)
    assert outcome.reason == "tls"
    assert inbox.received == []


def test_unverified_tls_when_it_is_asked_for(
    run: Any, aiosmtpd: Start, authority: Authority
) -> None:
    """`verify = false` takes any certificate."""
    inbox, port = aiosmtpd(None, tls_context=authority.context)
    (outcome,) = deliver(run, relay(port, authority, tls="starttls", verify=False, ca_file=None))
    assert isinstance(outcome, Sent)
    assert len(inbox.received) == 1


def test_stripped_starttls(run: Any, aiosmtpd: Start, authority: Authority) -> None:
    """A server that doesn't offer STARTTLS gets neither credentials nor mail."""
    inbox, port = aiosmtpd(None, auth_require_tls=False)
    to = relay(port, authority, tls="starttls", username=LOGIN, password=PASSWORD)
    (outcome,) = deliver(run, to)
    assert isinstance(outcome, Deferred)
    assert outcome.reason == "tls"
    assert (inbox.received, inbox.logins) == ([], [])


@pytest.mark.parametrize("excluded", [[], ["PLAIN"]])
def test_login(run: Any, aiosmtpd: Start, authority: Authority, excluded: list[str]) -> None:
    """PLAIN, or LOGIN where the server knows nothing else."""
    inbox, port = aiosmtpd(
        None, tls_context=authority.context, auth_required=True, auth_exclude_mechanism=excluded
    )
    to = relay(port, authority, tls="starttls", username=LOGIN, password=PASSWORD)
    assert [type(outcome) for outcome in deliver(run, to, 2)] == [Sent] * 2
    assert inbox.logins == (["LOGIN"] if excluded else ["PLAIN"])


def test_a_wrong_password_is_tried_once(run: Any, aiosmtpd: Start, authority: Authority) -> None:
    """535: deferred as `auth` with the reply, by one mechanism only, and the run ends."""
    inbox, port = aiosmtpd(None, tls_context=authority.context, auth_required=True)
    to = relay(port, authority, tls="starttls", username=LOGIN, password="wrong")
    (outcome,) = deliver(run, to, 1000)
    assert isinstance(outcome, Deferred)
    assert (outcome.reason, outcome.reply.code) == ("auth", 535)  # type: ignore[union-attr]
    assert (inbox.received, inbox.logins) == ([], ["PLAIN"])


def test_auth_is_not_offered(run: Any, start_sink: Any) -> None:
    """Credentials that nobody asks for: deferred, since the mail would go out as nobody's."""
    sink = start_sink()
    to = sink.relay(username=LOGIN, password=PASSWORD, credentials_in_clear=True)
    (outcome,) = deliver(run, to)
    assert isinstance(outcome, Deferred)
    assert outcome.reason == "auth"
    assert sink.stored() == []


@pytest.mark.parametrize("code", [454, 535])
def test_auth_refused(run: Any, start_sink: Any, code: int) -> None:
    """The reply tells a passing refusal from a wrong password."""
    sink = start_sink("--user", f"{LOGIN}:{PASSWORD}")
    sink.ask("mode", phase="auth", act="refuse", code=code)
    to = sink.relay(username=LOGIN, password=PASSWORD, credentials_in_clear=True)
    (outcome,) = deliver(run, to)
    assert isinstance(outcome, Deferred)
    assert (outcome.reason, outcome.reply.code) == ("auth", code)  # type: ignore[union-attr]


def test_auth_without_a_word(run: Any, start_sink: Any) -> None:
    """D17: a relay that never says whether it takes our login has its time, and no mail."""
    sink = start_sink("--user", f"{LOGIN}:{PASSWORD}")
    sink.ask("mode", phase="auth", act="stall")
    to = sink.relay(username=LOGIN, password=PASSWORD, credentials_in_clear=True)
    (outcome,) = deliver(run, to)
    assert isinstance(outcome, Deferred)
    assert outcome.reason == "auth"
    assert sink.stored() == []


def test_credentials_in_clear_when_it_is_asked_for(run: Any, start_sink: Any) -> None:
    """Allowed by word, they go out without TLS."""
    sink = start_sink("--user", f"{LOGIN}:{PASSWORD}", "--require-auth")
    to = sink.relay(username=LOGIN, password=PASSWORD, credentials_in_clear=True)
    assert [type(outcome) for outcome in deliver(run, to)] == [Sent]
    assert [one.user for one in sink.stored()] == [LOGIN]


@pytest.mark.parametrize("act", ["refuse", "garbage", "421", "close", "stall", "extra"])
def test_starttls_faults(run: Any, start_sink: Any, act: str) -> None:
    """Whatever goes wrong on the way to TLS, also a word too many (S13), nothing is sent at all."""
    sink = start_sink("--capabilities", "pipelining,starttls")
    sink.ask("mode", phase="starttls", act=act)
    (outcome,) = deliver(run, sink.relay(tls="starttls", ca_file=sink.certificate))
    assert isinstance(outcome, Deferred)
    assert outcome.reason in ("tls", "closing")
    assert sink.stored() == []


Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(speak: Speak) -> Any:
    """A server of one's own words; its port."""
    writers: list[asyncio.StreamWriter] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await speak(reader, writer)

    listening = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for writer in writers:
            writer.close()


def test_what_is_injected_before_tls_ends_the_connection(authority: Authority) -> None:
    """S13: whoever goes on in clear behind `220 go ahead` gets no mail, and no word over TLS."""
    heard: list[bytes] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 foul\r\n")
        await reader.readline()
        writer.write(b"250-foul\r\n250 STARTTLS\r\n")
        await reader.readline()
        writer.write(b"220 go ahead\r\n250-foul\r\n250 PIPELINING\r\n")
        await writer.start_tls(authority.context)
        heard.append(await reader.read())

    async def main() -> list[Outcome]:
        source = ListSource([attempt(0), attempt(1)])
        async with server(speak) as port:
            to = relay(port, authority, tls="starttls")
            await SmtpCourier(to).run(source)
        return [outcome for _, outcome in source.settled]

    (outcome,) = asyncio.run(main())
    assert isinstance(outcome, Deferred)
    assert (outcome.reason, outcome.reply) == ("tls", None)
    assert heard == [b""]
