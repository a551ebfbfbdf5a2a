"""Earlier runs, as ratios: nothing else can be compared, since machines change by the hour.

One line of JSON per run, in the state folder; a void one is kept as such, and shown without a bar.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.figures import Result
from tests.stories.servers import TOP

_WIDTH = 40
"""Characters of a bar for a ratio of 1."""
Entry = dict[str, Any]


def place() -> Path:
    """Where they are kept."""
    return Path(os.environ.get("DELIVERYD_STATE") or TOP / ".state") / "bench" / "history.jsonl"


def add(path: Path, result: Result, *, commit: str, at: datetime) -> None:
    """Keeps a result."""
    entry = {
        "at": at.isoformat(timespec="seconds"),
        "commit": commit,
        "processes": result.processes,
        "is_void": result.is_void,
        **result.document,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as kept:
        kept.write(json.dumps(entry) + "\n")


def earlier(path: Path, case: str | None = None) -> list[Entry]:
    """All that were kept, of one case or of all, the oldest first."""
    if not path.exists():
        return []
    entries = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [entry for entry in entries if case in (None, entry["case"])]


def table(entries: Sequence[Entry]) -> str:
    """For people: a line for each, its ratio as a bar."""
    head = f"{'when':<17}{'commit':<10}{'case':<10}{'recipients':>11}{'processes':>11}{'ratio':>8}"
    return "\n".join((head, *_lines(entries)))


def _lines(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        when = entry["at"][:16].replace("T", " ")
        bar = "void" if entry["is_void"] else "▇" * round(entry["ratio"] * _WIDTH)
        yield (
            f"{when:<17}{entry['commit']:<10}{entry['case']:<10}{entry['recipients']:>11,}"
            f"{entry['processes']:>11}{entry['ratio']:>8.3f}  {bar}{_beside(entry)}"
        )


def _beside(entry: Entry) -> str:
    """What a case is judged by, where that isn't its ratio."""
    if "median_ms" in entry:
        return f"  median {entry['median_ms']:g} ms, p99 {entry['p99_ms']:g} ms"
    if "smaller_rss_mb" in entry:
        return f"  {entry['smaller_rss_mb']:g} and {entry['rss_mb']:g} MB"
    return ""


def now() -> datetime:
    """The instant that an entry carries."""
    return datetime.now(UTC)


def commit() -> str:
    """What was measured: the commit, with a `+` if something was changed since; `?` without git."""
    head = _git("rev-parse", "--short", "HEAD")
    return head + ("+" if _git("status", "--porcelain") else "") if head else "?"


def _git(*words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(TOP), *words], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
