"""One try at one delivery, as dispatch hands it to a courier."""

from dataclasses import dataclass

from daemon.mail.content import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Who it goes to and who hears of a bounce, as the wire will carry them (RFC 5321 3.3)."""

    sender: str
    """MAIL FROM, ASCII or, with `needs_smtputf8`, UTF-8; empty = the null sender."""
    recipient: str
    """RCPT TO: exactly the delivery row's address, domain as A-label."""
    needs_smtputf8: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try: which delivery, the how-manieth, and what to hand over."""

    delivery_id: int
    number: int
    """1 for the batch's own try."""
    envelope: Envelope
    content: Content
