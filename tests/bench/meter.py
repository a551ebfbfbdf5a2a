"""What processes use, by the kernel's word: CPU time with all children, and memory at its peak.

A server is found by the port that it listens on: names lie, several of each may run.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_LISTENING = "0A"
_IDLE = slice(3, 5)
"""`idle` and `iowait` among the numbers of the first line of /proc/stat."""


def tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    children: Mapping[int, list[int]] = defaultdict(list)
    for pid, fields in _everybody():
        children[int(fields[1])].append(pid)
    found = [root]
    for pid in found:
        found.extend(children[pid])
    return found


def cpu(root: int) -> float:
    """Seconds that a process and all its children have used, those that have ended too."""
    return sum(_used(fields) for pid in tree(root) if (fields := _stat(pid)))


def own() -> float:
    """Seconds that this process has used; those it has started are counted by themselves."""
    return sum(os.times()[:2])


def busy() -> float:
    """Seconds that all CPUs of the machine have been at work."""
    words = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    return (sum(map(int, words)) - sum(map(int, words[_IDLE]))) / _TICK


def peak(pid: int) -> int:
    """Octets of memory: the most that one process of this tree ever had."""
    return max(_peak(one) for one in tree(pid))


def listener(port: int) -> int:
    """The process that listens on a port of this machine; ProcessLookupError if there is none."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    # the oldest: its children inherit the socket
    for pid in sorted(pid for pid, _ in _everybody()):
        if not sockets.isdisjoint(_descriptors(pid)):
            return pid
    raise ProcessLookupError(f"nobody whom we may look at listens on port {port}")


def _inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _descriptors(pid: int) -> set[str]:
    try:
        return {str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:  # gone, or not ours to look at
        return set()


def _everybody() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            yield int(entry.name), fields


def _stat(pid: int) -> list[str] | None:
    """Fields 3 and on of proc(5) `stat`: state, parent, …; the name before may hold blanks."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None


def _used(fields: list[str]) -> float:
    """Of the process itself, and of its children that have ended."""
    return sum(map(int, fields[11:15])) / _TICK


def _peak(pid: int) -> int:
    try:
        told = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = (line for line in told.splitlines() if line.startswith("VmHWM:"))
    return sum(int(line.split()[1]) * 1024 for line in found)
