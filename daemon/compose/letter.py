"""One delivery's bytes: a plan with its slots filled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from daemon.compose import bodies, headers, identity, plan
from daemon.compose.plan import Override, Plan
from daemon.mail import address
from daemon.mail.content import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Who gets this one, and what the slots say to them."""

    delivery_id: int
    address: str
    """As on the wire, exactly the delivery row's."""
    name: str | None
    variables: Mapping[str, str | None]
    """Values by name. `name`, `address` and `email` are built in, for where these have none."""
    override: Override | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncomposable:
    """Why there are no bytes for this delivery, now or on any later try; it echoes no content."""

    reason: str


def compose(shared: Plan, addressee: Addressee, *, date: datetime) -> Content | Uncomposable:
    """The message for one addressee. The same arguments give the same bytes (promise 2).

    `date`: when the delivery was first permitted, with its zone; every attempt carries that one.
    """
    own = _own(shared, addressee)
    if not isinstance(own, Plan):
        return own
    values = _values(own, addressee)
    reason = _fault(own, addressee, values)
    if reason:
        return Uncomposable(reason=reason)
    header = _header(own, addressee, values, date)
    if not headers.are_sound(header, own.names):
        return Uncomposable(reason="unsound header")
    data = b"".join([header, *[body.octets(values) for body in own.bodies]])
    return Content(data=data, is_8bit=not header.isascii(), is_sound=True)


def missing(shared: Plan, addressee: Addressee) -> frozenset[str]:
    """The variables that slots want and nobody gave: filled with nothing, worth a warning (Q37)."""
    own = _own(shared, addressee)
    wanted = own.variables if isinstance(own, Plan) else frozenset[str]()
    return wanted - addressee.variables.keys() - _built_in(addressee).keys()


def _own(shared: Plan, addressee: Addressee) -> Plan | Uncomposable:
    if addressee.override is None:
        return shared
    own = plan.overridden(shared, addressee.override)
    return own if isinstance(own, Plan) else Uncomposable(reason=f"override: {own[0].reason}")


def _values(own: Plan, addressee: Addressee) -> dict[str, str]:
    """A value for every slot: the addressee's, else built in, else empty."""
    given = {name: value for name, value in addressee.variables.items() if value is not None}
    known = _built_in(addressee) | given
    return {variable: known.get(variable, "") for variable in own.variables}


def _built_in(addressee: Addressee) -> dict[str, str]:
    return {
        "name": addressee.name or "",
        "address": addressee.address,
        "email": addressee.address,
    }


def _fault(own: Plan, addressee: Addressee, values: Mapping[str, str]) -> str | None:
    """Why these can't become a mail, if they can't."""
    if not own.bodies:
        return "no content"
    if not address.is_final(addressee.address):
        return "unlawful address"
    unfit = bodies.unfit("".join(values.values()))
    return unfit and f"{unfit} in a variable"


def _header(own: Plan, addressee: Addressee, values: Mapping[str, str], date: datetime) -> bytes:
    message_id = identity.message_id(
        addressee.delivery_id, seed=own.seed, domain=own.message_domain
    )
    lines = (
        headers.date_line(date),
        own.sender.lines(values),
        headers.mailbox("To", addressee.name or "", addressee.address),
        own.subject.lines(values),
        f"Message-ID: {message_id}\r\n",
        own.closing,
    )
    return "".join(lines).encode()
