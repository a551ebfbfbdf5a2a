"""How a held delivery leaves us, and what the journal keeps of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from daemon.dispatch.ends import Endings
from daemon.dispatch.held import Holdings
from daemon.dispatch.journal import Journal
from daemon.mail.attempt import Attempt, Envelope
from daemon.mail.content import Content
from daemon.mail.outcome import Sent
from daemon.mail.reply import Reply


class Verdicts:
    """Stands in for a settler: says at once what became of every fact."""

    def __init__(self, *, is_committed: bool) -> None:
        self._is_committed = is_committed

    def put(self, fact: object, after: Callable[[bool], None]) -> None:
        """Says it."""
        after(self._is_committed)


@pytest.mark.parametrize("is_committed", [True, False])
def test_the_journal_forgets_what_is_committed_only(
    hold: Callable[..., Any], tmp_path: Path, is_committed: bool
) -> None:
    """What the database refused is known to the journal alone: a restart must find it there."""
    journal = Journal(tmp_path, uuid4(), database="d")
    settler: Any = Verdicts(is_committed=is_committed)
    (held,) = hold(1)
    attempt = Attempt(
        delivery_id=held.id,
        number=1,
        envelope=Envelope(sender="", recipient="a@b.example"),
        content=Content(data=b"\r\n"),
        tenure=held.tenure,
    )
    assert journal.dot(attempt)
    endings = Endings(settler, Holdings(), journal, lambda _: None)
    endings.ended(held, Sent(reply=Reply(code=250), relay="h:25"))
    journal.close()
    assert journal.path.exists() is not is_committed
