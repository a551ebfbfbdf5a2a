"""Where to look next: the variables of a shell that wants to, and what to type there."""

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from ground import environment
from ground.state import CHECKOUT

from .programs import CONFIG, Place, near

STOPPED = """
Everything is stopped. Where to look next:
  ./deploy/demo --keep     leaves it running: deliveryd status, trace, send; /metrics
  README.md                your first request in Python, and the way it takes
"""
KEPT = (
    (". {env}", ""),
    ("deliveryd status {run}-campaign", ""),
    ("deliveryd trace greylist-1+reader-002@{run}.example", ""),
    ("deliveryd job show {run}-campaign", "how far it is"),
    ("deliveryd top --once", "how things go; without --once live, until Ctrl-C"),
    ('deliveryd send --to ann@example.com --subject Hello --text "It works." --wait', ""),
    ("python deploy/first_request.py", "the one that README.md shows"),
    ("tail {log}", "each mail on a line"),
    ("./deploy/demo --stop{where}", "ends all of it"),
)
"""What can be typed, with a remark where it needs one."""


def text(place: Place, run: str, *, kept: bool) -> str:
    """What to say when the show is over."""
    if not kept:
        return STOPPED
    names = {
        "log": near(place.log("sink")),
        "env": shlex.quote(str(near(shell_file(place)))),
        "run": run,
        "where": "" if place.folder == CHECKOUT / ".state/demo" else f" --dir {place.folder}",
    }
    typed = [(command.format_map(names), remark) for command, remark in KEPT]
    width = max(len(command) for command, remark in typed if remark)
    lines = [
        f"  {command:<{width}}  # {remark}" if remark else f"  {command}"
        for command, remark in typed
    ]
    told = json.loads((place.folder / "sink.json").read_text())
    head = (
        f"Everything keeps running. Look at each mail: {told['web']}\n"
        f"Metrics are at {place.machine_page}/metrics. To play with it:"
    )
    return "\n".join(["", head, "", *lines, ""])


def shell_file(place: Place) -> Path:
    """The file that a shell reads to find everything."""
    return place.folder / "env"


def write(place: Place, variables: Mapping[str, str]) -> None:
    """Write that file, readable by us alone: there are passwords in it."""
    given = {name: value for name, value in os.environ.items() if name.startswith("DELIVERYD_")}
    known = {**given, **variables, "DELIVERYD_CONFIG": str(CONFIG)}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in known.items()]
    lines.append(f'export PATH={shlex.quote(str(environment.VENV / "bin"))}:"$PATH"')
    path = shell_file(place)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
