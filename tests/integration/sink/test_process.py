"""The sink as a process: options, readiness, the end; smtplib as a client nobody here wrote."""

import email.message
import hashlib
import json
import signal
import smtplib
import ssl
import subprocess
import sys

import pytest

from daemon.sink import behaviour, client
from daemon.sink.server import split


def _mail(subject="Grüße"):
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@x.test", "b@y.test", subject
    mail["Message-ID"] = "<1@x.test>"
    mail.set_content("Hello\n.\n..dots\n")
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="bill.pdf")
    return mail


def test_smtplib_delivers_a_mail(start, tmp_path):
    """A mail of the standard library's client is on record, byte by byte, before it has its 250."""
    path = tmp_path / "record.jsonl"
    started = start("--record", path, "--keep-bytes", "--show")
    with smtplib.SMTP(*split(started.ready["smtp"])) as smtp:
        smtp.send_message(_mail())
        (record,) = client.records(path)
    assert (record.mail_from, record.rcpt) == ("a@x.test", ("b@y.test",))
    assert record.message_id == "<1@x.test>"
    assert hashlib.sha256(record.content).hexdigest() == record.sha256
    assert (len(record.content), record.violations) == (record.size, {})
    assert b"\r\n.\r\n..dots\r\n" in record.content
    status, said = started.stop()
    assert status == 0
    assert "a@x.test → b@y.test  “Grüße”" in said
    assert "bill.pdf" in said


def test_smtplib_over_tls_with_a_password(start, tmp_path):
    """STARTTLS with the made certificate, trusted as its own CA, and AUTH inside it."""
    path = tmp_path / "record.jsonl"
    started = start(
        *("--record", path, "--user", "anna:pw", "--require-auth"),
        *("--capabilities", "pipelining,8bitmime,size,smtputf8,starttls,auth"),
    )
    trust = ssl.create_default_context(cafile=started.ready["certificate"])
    with smtplib.SMTP("localhost", split(started.ready["smtp"])[1]) as smtp:
        with pytest.raises(smtplib.SMTPResponseException, match="530"):
            smtp.sendmail("a@x.test", ["b@y.test"], b"early\r\n")
        smtp.starttls(context=trust)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login("anna", "wrong")
        smtp.login("anna", "pw")
        smtp.sendmail("a@x.test", ["b@y.test"], b"hi\r\n")
    (record,) = client.records(path)
    assert (record.tls, record.user) == ("TLSv1.3", "anna")


def test_it_is_ready_when_it_says_so(start, tmp_path):
    """The ready file holds the same line as the output, and both addresses are open."""
    ready = tmp_path / "ready.json"
    started = start("--ready-file", ready, "--control", "127.0.0.1:0")
    assert json.loads(ready.read_text()) == started.ready
    assert set(started.ready) == {"smtp", "control"}
    with smtplib.SMTP(*split(started.ready["smtp"])) as smtp:
        assert smtp.noop()[0] == 250


def test_a_script_is_played_before_the_first_connection(start, tmp_path):
    """The first client meets the mode that the script asked for."""
    script = tmp_path / "script.jsonl"
    script.write_text('# busy\n{"do": "mode", "phase": "banner", "act": "refuse", "times": 1}\n')
    started = start("--script", script)
    with pytest.raises(smtplib.SMTPConnectError, match="554"):
        smtplib.SMTP(*split(started.ready["smtp"]))
    with smtplib.SMTP(*split(started.ready["smtp"])) as smtp:
        assert smtp.noop()[0] == 250


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(start, number):
    """Those who are connected are told 421, and the status is 0."""
    started = start()
    smtp = smtplib.SMTP(*split(started.ready["smtp"]))
    started.process.send_signal(number)
    assert smtp.getreply()[0] == 421
    smtp.close()
    assert started.process.wait(timeout=10) == 0


def _run(*options):
    command = [sys.executable, "-m", "daemon.sink", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_behaviours_are_printed():
    """`--behaviours` prints the table and ends."""
    ended = _run("--behaviours")
    assert ended.returncode == 0
    assert ended.stdout.strip() == behaviour.table()


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--listen", "nowhere"), 2, "--listen: not host:port: nowhere\n"),
        (("--web", "127.0.0.1:65536"), 2, "--web: no port: 65536"),
        (("--max-size", "-1"), 2, "--max-size: not from 1 to"),
        (("--script", "/nonexistent"), 2, "sink: [Errno 2]"),
        (("--record", "/nonexistent/record"), 2, "sink: [Errno 2]"),
        (("--script", __file__), 65, "sink: script line 1"),
        (("--capabilities", "size,chunking"), 2, "unknown: chunking"),
        (("--user", "anna"), 2, "not NAME:PASSWORD"),
    ],
)
def test_a_wrong_option_ends_it_with_a_reason(options, status, said):
    """No traceback: the reason on one line."""
    ended = _run(*options)
    assert ended.returncode == status
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_that_is_taken_is_unavailable(start):
    """Who wants another's address is told so with 69: later it may be free."""
    taken = start().ready["smtp"]
    for option in ("--listen", "--control", "--web"):
        ended = _run(option, taken)
        assert ended.returncode == 69
        assert ended.stderr.startswith("sink: [Errno 98]")
        assert ended.stderr.count("\n") == 1
