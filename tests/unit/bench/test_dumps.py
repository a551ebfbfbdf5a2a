"""A dump of `smtp-sink`, as it was written by the real one."""

from pathlib import Path

from tests.bench import dumps

DUMP = b"""\
X-Client-Addr: 127.0.0.1
X-Client-Proto: ESMTP
X-Helo-Args: bench.test
X-Mail-Args: <news@sender.test>
X-Rcpt-Args: <p7@d7.there.test>
Received: from bench.test ([127.0.0.1])
\tby smtp-sink (smtp-sink) with ESMTP id 04421ea3;
\tWed, 25 Nov 2026 13:54:45 +0000 (UTC)
From: The News <news@sender.test>
Subject: News for Person 7 in
 Porto
Message-ID: <5127.abc@bench.test>

Dear Person 7
"""


def test_a_dump_tells_who_got_which_mail(tmp_path: Path) -> None:
    """By the envelope and the mail's own headers, the sink's apart."""
    (tmp_path / "1").write_bytes(DUMP)
    (copy,) = dumps.copies(tmp_path)
    assert copy.rcpt == ("p7@d7.there.test",)
    assert copy.message_id == "<5127.abc@bench.test>"
    assert copy.delivery == 5127
    assert copy.subject == "News for Person 7 in Porto"
    assert copy.helo == "bench.test"


def test_the_sinks_own_headers_are_no_part_of_the_mail(tmp_path: Path) -> None:
    """Two dumps of one mail have one hash."""
    (tmp_path / "1").write_bytes(DUMP)
    (tmp_path / "2").write_bytes(DUMP.replace(b"04421ea3", b"081aed84").replace(b":45", b":46"))
    first, second = dumps.copies(tmp_path)
    assert first.sha256 == second.sha256
