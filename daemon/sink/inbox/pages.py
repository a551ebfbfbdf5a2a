"""What a browser is answered: the page, the list as JSON, one mail and its parts, and the news.

A mail is hostile: its HTML is shown in a frame that may run nothing, load nothing and reach nothing
of ours; its files are only ever saved. Only names that no stranger can point at us are answered, as
there is no login.
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import resources
from urllib.parse import quote, urlsplit

from aiohttp import web

from daemon.sink.inbox.box import Box, Mail
from daemon.sink.server import split

_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-src 'self'; img-src data:"
)
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
"""Links may open a tab; scripts, forms, plugins and our own origin are out of reach."""
_MAIL = (
    f"sandbox {_SANDBOX}; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:; font-src data:"
)
_FILES = {"/": "inbox.html", "/inbox.css": "inbox.css", "/inbox.js": "inbox.js"}
_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_LISTED = 200
"""Mails in one answer; a search finds the others."""
_STILL = 15.0
"""Seconds after which a quiet stream repeats itself, so that it is seen to be there."""


class Pages:
    """One box, shown."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def list(self, request: web.Request) -> web.Response:
        """The newest mails, or those that are searched for."""
        found = self._box.found(request.query.get("q", "")[:200])
        lines = [mail.line() for mail, _ in zip(found, range(_LISTED), strict=False)]
        return _json({"last": self._box.last, "mails": lines})

    async def one(self, request: web.Request) -> web.Response:
        """One mail, taken apart."""
        mail = self._mail(request)
        letter = mail.letter
        return _json(
            {
                **mail.line(),
                "headers": letter.headers,
                "text": letter.text,
                "has_html": letter.html is not None,
                "attached": [
                    {"name": file.name, "kind": file.kind, "size": len(file.content)}
                    for file in letter.attached
                ],
                "helo": mail.record.helo,
                "tls": mail.record.tls,
                "violations": dict(mail.record.violations),
            }
        )

    async def html(self, request: web.Request) -> web.Response:
        """Its HTML, for the frame."""
        html = self._mail(request).letter.html
        if html is None:
            raise web.HTTPNotFound
        answer = web.Response(text=html, content_type="text/html")
        answer.headers["Content-Security-Policy"] = _MAIL
        return answer

    async def source(self, request: web.Request) -> web.Response:
        """The octets as they came, as text."""
        text = self._mail(request).content.decode("utf-8", "replace")
        return web.Response(text=text, content_type="text/plain")

    async def part(self, request: web.Request) -> web.Response:
        """An attachment, to be saved and never shown."""
        attached = self._mail(request).letter.attached
        place = int(request.match_info["part"])
        if place >= len(attached):
            raise web.HTTPNotFound
        name = quote(attached[place].name, safe="")
        return web.Response(
            body=attached[place].content,
            content_type="application/octet-stream",
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
        )

    async def news(self, request: web.Request) -> web.StreamResponse:
        """The number of the newest mail, each time there is one (Server-Sent Events)."""
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        seen = self._box.last
        with suppress(ConnectionError):  # nobody looks on any more
            await answer.write(b"data: %d\n\n" % seen)
            while True:
                seen = await self._newer(seen)
                await answer.write(b"data: %d\n\n" % seen)
        return answer

    async def _newer(self, seen: int) -> int:
        """The newest one's number when there is one, or the same after a while."""
        try:
            async with asyncio.timeout(_STILL):
                return await self._box.after(seen)
        except TimeoutError:
            return seen

    def _mail(self, request: web.Request) -> Mail:
        mail = self._box.mail(int(request.match_info["number"]))
        if mail is None:
            raise web.HTTPNotFound
        return mail


class Listener:
    """The pages at an address."""

    def __init__(self, box: Box) -> None:
        self._runner = web.AppRunner(application(box), access_log=None, shutdown_timeout=0.5)
        self.address = ""
        """Where it listens; known after `listen`."""

    async def listen(self, address: str) -> None:
        """Listen at `host:port`, port 0 for a free one; OSError when that can't be."""
        host, port = split(address)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        host, port, *_ = self._runner.addresses[0]
        self.address = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    async def close(self) -> None:
        """Stop listening, and end all connections."""
        await self._runner.cleanup()


def application(box: Box) -> web.Application:
    """All paths."""
    pages = Pages(box)
    app = web.Application(middlewares=[_only_by_address])
    for path, file in _FILES.items():
        app.router.add_get(path, _file(file))
    app.router.add_get("/mails", pages.list)
    number = r"/mails/{number:\d{1,9}}"
    app.router.add_get(number, pages.one)
    app.router.add_get(f"{number}/html", pages.html)
    app.router.add_get(f"{number}/source", pages.source)
    app.router.add_get(number + r"/parts/{part:\d{1,4}}", pages.part)
    app.router.add_get("/news", pages.news)
    app.on_response_prepare.append(_guard)
    return app


Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def _only_by_address(request: web.Request, handler: Answering) -> web.StreamResponse:
    """A name in somebody's hands could be made to point here, and his page then read all mail."""
    name = urlsplit(f"//{request.host}").hostname or ""
    if name != "localhost":
        try:
            ipaddress.ip_address(name)
        except ValueError:
            raise web.HTTPForbidden(text="ask by address, or localhost\n") from None
    return await handler(request)


async def _guard(_: web.Request, answer: web.StreamResponse) -> None:
    answer.headers.setdefault("Content-Security-Policy", _PAGE)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    answer.headers["Cache-Control"] = "no-store"


def _file(name: str) -> Answering:
    content = (resources.files("daemon.sink.inbox") / name).read_text(encoding="utf-8")
    kind = _KINDS[name.rpartition(".")[2]]

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=content, content_type=kind)

    return answer


def _json(content: object) -> web.Response:
    return web.json_response(content)
