"""A script hands over to a program of `tests/`, which runs in `.venv`, and ends as it does."""

import signal
import subprocess
from collections.abc import Mapping, Sequence

from . import environment
from .state import CHECKOUT

PATIENCE = 60.0  # for an interrupted run: it ends the daemons and servers that it has started


def run(module: str, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run `python -m module` to its end; its exit status."""
    child = subprocess.Popen(
        [str(environment.PYTHON), "-m", module, *arguments],
        cwd=CHECKOUT,
        env={**environment.activated(), **variables},
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
