"""`deploy/bench`, as typed: brings what is missing, starts servers, hands over to `tests.bench`.

The servers are our own, new at every run and as durable as in earnest, unless the environment
names others. `history` and `--help` need none.
"""

from collections.abc import Sequence

from . import handover, prepare, progress, servers, state, unpacked

MODULE = "tests.bench"
ALONE = frozenset({"-h", "--help", "history"})


def main(arguments: Sequence[str]) -> int:
    """Run it to its end; its exit status."""
    say = progress.printer()
    if not arguments or ALONE.intersection(arguments):
        prepare.python(say)
        return handover.run(MODULE, arguments, {})
    prepare.bench(say, draws=any(word.startswith("--plot") for word in arguments))
    folder = state.folder(None) / "bench"
    with state.held(folder, lock="bench.lock", patience=1):
        servers.stop(folder, say)
        state.wipe(folder, servers.KINDS)
        try:
            found = servers.start(folder, say)
            return handover.run(MODULE, arguments, {**unpacked.mail(), **found.environment()})
        finally:
            servers.stop(folder, progress.silent)
