"""The listener for machines: /livez, /readyz, /metrics, /version, each also under its usual names.

No login and nothing secret: bind it where only your own machines reach it. Everything is answered
from memory. Only GET and HEAD; anything else is 405.
"""

from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import web

from daemon import logs, metrics
from daemon.config import Address
from daemon.tasks import Refusal
from daemon.web import pulse
from daemon.web.health import Health

SHUTDOWN_TIMEOUT = 1.0
"""Seconds that a request under way may still take when we stop."""
KEEP_ALIVE = 75.0
"""Seconds that an idle scraper's connection stays open."""

Render = Callable[[str], Awaitable[tuple[bytes, str]]]
"""From an Accept header to the metrics, and their content type."""

_log = logs.get("web.ops")


async def own(accept: str) -> tuple[bytes, str]:
    """The metrics of this process."""
    return metrics.render(accept)


class CannotListen(Refusal):
    """The address is somebody else's, or not ours to listen at."""


class Ops:
    """What the paths answer."""

    def __init__(self, health: Health, about: Mapping[str, str], render: Render) -> None:
        self._health = health
        self._about = dict(about)
        self._render = render

    async def live(self, _: web.Request) -> web.Response:
        """That we answer at all is the proof: the event loop turns."""
        return web.Response(text="ok\n")

    async def ready(self, request: web.Request) -> web.Response:
        """200, or 503, and what isn't well; `?verbose` says it for each check as JSON."""
        is_ready = self._health.is_ready
        status = 200 if is_ready else 503
        if "verbose" in request.query:
            return _json(self._health.verbose(), status)
        lines = [*(["ok"] if is_ready else []), *self._health.reasons]
        return web.Response(text="\n".join(lines) + "\n", status=status)

    async def metrics(self, request: web.Request) -> web.Response:
        """The format that the scraper asks for, compressed if it likes."""
        body, content_type = await self._render(request.headers.get("Accept", ""))
        response = web.Response(body=body, headers={"Content-Type": content_type})
        response.enable_compression()
        return response

    async def version(self, _: web.Request) -> web.Response:
        """What is running, as JSON."""
        return _json(self._about, 200)


def application(health: Health, about: Mapping[str, str], render: Render = own) -> web.Application:
    """The paths, with the aliases that other systems' habits expect."""
    ops = Ops(health, about, render)
    app = web.Application()
    for path in ("/livez", "/healthz", "/-/healthy"):
        app.router.add_get(path, ops.live)
    for path in ("/readyz", "/-/ready"):
        app.router.add_get(path, ops.ready)
    app.router.add_get("/metrics", ops.metrics)
    app.router.add_get("/version", ops.version)
    app.on_response_prepare.append(_sign)
    return app


async def serve(
    listen: Address,
    health: Health,
    *,
    about: Mapping[str, str],
    render: Render = own,
    bound: Callable[[Address], None] | None = None,
) -> None:
    """Listens until cancelled. `bound` hears the address with its port. Raises `CannotListen`."""
    runner = web.AppRunner(
        application(health, about, render),
        handle_signals=False,
        access_log=None,
        keepalive_timeout=KEEP_ALIVE,
        shutdown_timeout=SHUTDOWN_TIMEOUT,
    )
    await runner.setup()
    try:
        try:
            at = await _started(runner, listen)
        except OSError as error:
            raise CannotListen(f"ops.listen = {listen}: {error.strerror}") from error
        if bound is not None:
            bound(at)
        await pulse.beat()
    finally:
        await runner.cleanup()


async def _started(runner: web.AppRunner, listen: Address) -> Address:
    """Where it listens now. A socket's file that a dead process left is replaced."""
    if listen.path:
        await web.UnixSite(runner, listen.path).start()
        _log.debug("ops.listening", path=listen.path)
        return listen
    await web.TCPSite(runner, listen.host, listen.port).start()
    host, port, *_ = runner.addresses[0]
    _log.info("ops.listening", host=host, port=port)
    return Address(host=host, port=port)


async def _sign(_: web.Request, response: web.StreamResponse) -> None:
    """Versions of libraries are nobody's business, and health is never cached."""
    response.headers["Server"] = "deliveryd"
    response.headers["Cache-Control"] = "no-store"


def _json(content: Mapping[str, object], status: int) -> web.Response:
    body = orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return web.Response(body=body, status=status, content_type="application/json")
