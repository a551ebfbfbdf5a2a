"""`deploy/chaos`, as typed: brings what is missing, then hands over to `python -m tests.chaos`.

The program starts servers of its own, since it breaks them.
"""

from collections.abc import Sequence

from . import handover, prepare, progress


def main(arguments: Sequence[str]) -> int:
    """Run it to its end; its exit status."""
    say = progress.printer()
    if not arguments or {"-h", "--help"}.intersection(arguments):
        prepare.python(say)
    else:
        prepare.everything(say)
    return handover.run("tests.chaos", arguments, {})
