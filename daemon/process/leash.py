"""One of several processes under a supervisor: which one we are, and that we don't outlive it.

The supervisor holds the other end of our standard input, and writes nothing there. Its end is the
supervisor's, however that came about; then we stop in order, as at SIGTERM.
"""

import asyncio
import os
from collections.abc import Callable

from daemon import logs

NUMBER = "DELIVERYD_PROCESS"
"""The variable that has our number; without it nobody supervises us, but perhaps systemd."""
_INPUT = 0

_log = logs.get("process.leash")


def hold(leave: Callable[[], None]) -> None:
    """Every line has our number from here on; `leave` is called when the supervisor has gone."""
    number = os.environ.get(NUMBER)
    if number is None:
        return
    logs.sign(process=int(number))
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.remove_reader(_INPUT)
        _log.error("supervisor.gone")
        leave()

    loop.add_reader(_INPUT, gone)
