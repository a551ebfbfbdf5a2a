"""The web inbox of a running sink."""

import asyncio
import json
import smtplib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.policy import SMTP
from pathlib import Path

import aiohttp
import pytest

from tests.unit.sink.test_letter import mail

TOP = Path(__file__).parents[3]
DEADLINE = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """A sink with its pages."""

    smtp: str
    web: str
    browser: aiohttp.ClientSession

    async def send(self, subject: str = "Grüße") -> None:
        """A mail with everything."""
        host, _, port = self.smtp.rpartition(":")
        content = mail(subject).as_bytes(policy=SMTP)

        def sent() -> None:
            with smtplib.SMTP(host, int(port), timeout=DEADLINE) as client:
                client.sendmail("a@x.test", ["b@x.test"], content)

        await asyncio.to_thread(sent)

    async def get(self, path: str, **headers: str) -> tuple[int, str, str]:
        """Status, text and content security policy."""
        async with self.browser.get(self.web + path.lstrip("/"), headers=headers) as answer:
            policy = answer.headers.get("Content-Security-Policy", "")
            return answer.status, await answer.text(), policy


@pytest.fixture
async def shown() -> AsyncIterator[Shown]:
    """One that has just started."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "daemon.sink", "--web", "127.0.0.1:0"),
        cwd=TOP,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE), aiohttp.ClientSession() as browser:
        told = json.loads(await process.stdout.readline())
        yield Shown(told["smtp"], told["web"], browser)
        process.terminate()
        assert await process.wait() == 0


async def test_a_mail_is_looked_at(shown: Shown) -> None:
    """It is in the list, can be searched for, and every part of it can be had."""
    assert json.loads((await shown.get("/mails"))[1]) == {"last": 0, "mails": []}
    await shown.send()
    (line,) = json.loads((await shown.get("/mails?q=plain"))[1])["mails"]
    assert (line["subject"], line["to"]) == ("Grüße", ["b@x.test"])
    assert json.loads((await shown.get("/mails?q=elsewhere"))[1])["mails"] == []
    told = json.loads((await shown.get("/mails/1"))[1])
    assert told["text"].strip() == "Plain words."
    assert ["Subject", "Grüße"] in told["headers"]
    assert [file["name"] for file in told["attached"]] == ["part-1", ".._prices é.csv"]
    assert "Content-Type: multipart" in (await shown.get("/mails/1/source"))[1]
    async with shown.browser.get(f"{shown.web}mails/1/parts/1") as answer:
        assert await answer.read() == b"1;2"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.content_type == "application/octet-stream"
    for path in ("/mails/2", "/mails/2/html", "/mails/1/parts/9", "/mails/x"):
        assert (await shown.get(path))[0] == 404


async def test_a_mail_can_reach_nothing(shown: Shown) -> None:
    """Its HTML runs no script and loads nothing; no page is answered under a stranger's name."""
    await shown.send()
    _, html, policy = await shown.get("/mails/1/html")
    assert "data:image/png" in html
    assert policy.startswith("sandbox allow-popups")
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    _, page, policy = await shown.get("/")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script>" not in page
    port = shown.web.rstrip("/").rpartition(":")[2]
    for name, status in ((f"evil.test:{port}", 403), (f"localhost:{port}", 200), ("[::1]", 200)):
        assert (await shown.get("/mails", Host=name))[0] == status


async def test_a_new_mail_is_news(shown: Shown) -> None:
    """Whoever looks on hears of each new mail at once."""
    async with shown.browser.get(f"{shown.web}news") as news:
        assert (await news.content.readuntil(b"\n\n")) == b"data: 0\n\n"
        for number in (1, 2):
            await shown.send(f"Offer {number}")
            assert (await news.content.readuntil(b"\n\n")) == b"data: %d\n\n" % number
