"""`deploy/chaos`, as typed: brings what is missing, then hands over to `python -m tests.chaos`.

The program starts servers of its own, since it breaks them.
"""

import signal
import subprocess
from collections.abc import Sequence

from . import environment, prepare, progress
from .state import CHECKOUT

PATIENCE = 60.0  # for an interrupted run: it ends the daemons and servers that it has started


def main(arguments: Sequence[str]) -> int:
    """Run it to its end; its exit status."""
    if not set(arguments) & {"-h", "--help"}:
        prepare.everything(progress.printer())
    child = subprocess.Popen(
        [str(environment.PYTHON), "-m", "tests.chaos", *arguments],
        cwd=CHECKOUT,
        env=environment.activated(),
        start_new_session=True,  # Ctrl-C reaches it through us, and once
    )
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(PATIENCE)
        finally:
            child.kill()
        raise
