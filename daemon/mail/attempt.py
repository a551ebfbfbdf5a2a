"""One try at one delivery, as dispatch hands it to a courier."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from daemon.mail.content import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Who it goes to and who hears of a bounce, as the wire will carry them (RFC 5321 3.3)."""

    sender: str
    """MAIL FROM, ASCII or, with `needs_smtputf8`, UTF-8; empty = the null sender."""
    recipient: str
    """RCPT TO: exactly the delivery row's address, domain as A-label."""
    needs_smtputf8: bool = False


class Tenure(NamedTuple):
    """By what a delivery is held while it is tried, and under which epoch of that (promise 3)."""

    job_id: UUID = UUID(int=0)
    retry_id: int = 0
    """The retry row; 0 = its batch."""
    epoch: int = 0


class Key(NamedTuple):
    """What tells one try from every other, also from the same try made under another claim."""

    delivery_id: int
    number: int
    retry_id: int
    epoch: int


UNHELD = Tenure()
"""Of a try that nobody has to remember: in dry runs and tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try: which delivery, the how-manieth, and what to hand over."""

    delivery_id: int
    number: int
    """1 for the batch's own try."""
    envelope: Envelope
    content: Content
    tenure: Tenure = UNHELD
    """For whoever bears witness; a courier never looks at it."""

    @property
    def key(self) -> Key:
        """What the journal knows it by."""
        return Key(self.delivery_id, self.number, self.tenure.retry_id, self.tenure.epoch)
