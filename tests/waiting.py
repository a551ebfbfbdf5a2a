"""Waiting for what gives no signal: it is looked at again and again, until a deadline."""

import asyncio
import inspect
import time
from collections.abc import Callable

PATIENCE = 10.0
"""Seconds that anything may take."""


async def until(condition: Callable[[], object], *, seconds: float = PATIENCE) -> None:
    """Waits for a condition, or for what it awaits, to become true."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if await found if inspect.isawaitable(found) else found:
            return
        assert time.monotonic() < deadline, "it never became true"
        await asyncio.sleep(0.01)
