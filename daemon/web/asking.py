"""Asks another process of this machine for its metrics, at a socket in the file system."""

import aiohttp

_LARGEST = 4 * 2**20
"""Octets of a page; more is none of ours."""


async def metrics_at(path: str, *, seconds: float) -> str | None:
    """What `/metrics` answers there, as text; None when it doesn't, or not in time."""
    way = aiohttp.UnixConnector(path)
    limit = aiohttp.ClientTimeout(total=seconds)
    try:
        async with (
            aiohttp.ClientSession(connector=way, timeout=limit) as session,
            session.get("http://deliveryd/metrics", headers={"Accept": "text/plain"}) as answer,
        ):
            page = bytearray()
            async for piece in answer.content.iter_any():
                page += piece
                if len(page) > _LARGEST:
                    return None
            return page.decode() if answer.status == 200 else None  # noqa: PLR2004 - OK
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None
