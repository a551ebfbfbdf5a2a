"""One mail transaction: MAIL and RCPT with their parameters (RFC 5321 3.3). Pure."""

from collections.abc import Mapping

from daemon.sink import answer, behaviour, wire
from daemon.sink.answer import Answer, Claim

SENDER_OK = answer.yes(250, "2.1.0 Ok")
RECIPIENT_OK = answer.yes(250, "2.1.5 Ok")

_MALFORMED = answer.no(501, "5.5.4 Malformed argument")
_UNKNOWN = answer.no(555, "5.5.4 Parameter not recognized")
_BAD_VALUE = answer.no(501, "5.5.4 Parameter with a bad value")
_TOO_BIG = answer.no(552, "5.3.4 Message too big")
_NEEDS_SMTPUTF8 = answer.no(553, "5.6.7 Address needs SMTPUTF8")
_BAD_ADDRESS = answer.no(501, "5.1.3 Not an address")

_CAPABILITY = {"SIZE": "size", "BODY": "8bitmime", "SMTPUTF8": "smtputf8", "AUTH": "auth"}
"""What must be announced for a parameter of MAIL to be known."""


class Transaction:
    """What MAIL began and RCPT goes on with."""

    __slots__ = ("began", "came", "claims", "early", "eight_bit", "rcpt", "sender", "smtputf8")

    def __init__(self, sender: str, parameters: Mapping[str, str]) -> None:
        self.sender = sender
        self.came = 0.0
        """When MAIL came in, in Unix seconds, perhaps behind a dot whose answer waits."""
        self.began = 0.0
        """When MAIL was accepted."""
        self.eight_bit = parameters.get("BODY", "").upper() == "8BITMIME"
        self.smtputf8 = "SMTPUTF8" in parameters
        self.rcpt: list[str] = []
        self.claims: list[Claim] = []
        """What the accepted recipients ask for at DATA and later."""
        self.early = False
        """A 250 was said before the dot."""

    def accept(self, address: str, claims: list[Claim]) -> None:
        """Add a recipient."""
        self.rcpt.append(address)
        self.claims += [claim for claim in claims if claim[1].phase != "rcpt"]


def begin(rest: bytes, *, offered: frozenset[str], max_size: int) -> Transaction | Answer:
    """A transaction from what stands behind MAIL, or why not."""
    mail = wire.path(b"FROM", rest)
    if mail is None:
        return _MALFORMED
    sender, parameters = mail
    if parameters and (refusal := _refused(parameters, offered, max_size)):
        return refusal
    if sender and not wire.is_mailbox(sender):
        return _BAD_ADDRESS
    if not sender.isascii() and "SMTPUTF8" not in parameters:
        return _NEEDS_SMTPUTF8
    return Transaction(sender, parameters)


def recipient(rest: bytes, *, smtputf8: bool) -> str | Answer:
    """The recipient from what stands behind RCPT, or why not."""
    rcpt = wire.path(b"TO", rest)
    if rcpt is None:
        return _MALFORMED
    address, parameters = rcpt
    if parameters:
        return _UNKNOWN
    if not wire.is_mailbox(address):
        return _BAD_ADDRESS
    return address if smtputf8 or address.isascii() else _NEEDS_SMTPUTF8


def claims(address: str) -> list[Claim]:
    """What an address asks for."""
    return [(address.lower(), act) for act in behaviour.acts(address)]


def _refused(parameters: dict[str, str], offered: frozenset[str], max_size: int) -> Answer | None:
    if not all(_CAPABILITY.get(name) in offered for name in parameters):
        return _UNKNOWN
    size = parameters.get("SIZE", "0")
    body = parameters.get("BODY", "7BIT").upper()
    if not size.isdecimal() or body not in ("7BIT", "8BITMIME") or parameters.get("SMTPUTF8"):
        return _BAD_VALUE
    return _TOO_BIG if int(size) > max_size else None
