"""How a held delivery leaves us: settled, withheld or lost; and what is given back then."""

import time
from collections.abc import Callable
from functools import partial

from daemon.dispatch.held import Claim, Held, Holdings
from daemon.dispatch.journal import Journal
from daemon.dispatch.settler import Settler
from daemon.mail.outcome import Outcome, Verdict, Withheld


class Endings:
    """Passes facts to the settler, and claims that something was put off from to `give_back`."""

    def __init__(
        self,
        settler: Settler,
        holdings: Holdings,
        journal: Journal,
        give_back: Callable[[Claim], None],
    ) -> None:
        self._settler = settler
        self._holdings = holdings
        self._journal = journal
        self._give_back = give_back

    def ended(self, held: Held, outcome: Outcome) -> None:
        """An attempt has an outcome."""
        took = time.monotonic() - held.taken
        self._settler.put(held.fact(outcome, took=took), partial(self._done, held))

    def withheld(self, held: Held, verdict: Verdict) -> None:
        """A permit refused it."""
        if verdict in (Verdict.PAUSED, Verdict.CLOSED):
            held.claim.to_give_back = True
        self._settler.put(held.fact(Withheld(verdict=verdict)), lambda _: self._left(held))

    def returned(self, held: Held) -> None:
        """It never started, and others may have it."""
        held.claim.to_give_back = True
        if held.asked:
            # first its letter must say again that it waits: nobody claims what is under way
            self.withheld(held, Verdict.PAUSED)
        else:
            self._left(held)

    def lost(self, held: Held) -> None:
        """It isn't ours any more: canceled with its job, or rescued by someone else."""
        self._left(held)

    def _done(self, held: Held, is_committed: bool) -> None:  # noqa: FBT001  as the settler says it
        if is_committed:
            self._journal.forget(held.key)  # else it is all that knows of the attempt
        self._left(held)

    def _left(self, held: Held) -> None:
        claim = held.claim
        claim.outstanding -= 1
        if claim.outstanding:
            return
        if claim.to_give_back:
            self._give_back(claim)
        else:
            self._holdings.leave(claim)
