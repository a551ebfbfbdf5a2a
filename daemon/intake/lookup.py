"""What a send names that only the directory knows: in whose name it speaks, lists, `me`, a sender.

Somebody else's customer, list or sender is answered like one that isn't there (T100).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from daemon.expansion.meant import Meant
from daemon.intake import supplying
from daemon.intake.ask import Ask
from daemon.intake.supplying import Supply
from daemon.mail.refusal import Code, Fault
from daemon.mail.request import audience
from daemon.mail.request.audience import Me, Members
from daemon.mail.request.send import Send
from daemon.store import directory, door, expansion

_NO_CUSTOMER = "names no customer"
_NO_LIST = "names no list"
_NOBODY = "means a person, and the request comes from none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a send names, all of it there."""

    meant: Meant | None
    """The audience as the directory is asked for it; None = the parcel itself names everyone."""
    supply: Supply
    """What its message is completed with."""


async def looked_up(
    session: door.Session, ask: Ask, send: Send, *, is_stored: bool = False
) -> tuple[Fault, ...] | Known:
    """What a send names, or all that there isn't.

    One that is stored has its message whole, and asks for its audience only.
    """
    acting = send.act_as_customer or ask.customer.id
    if acting != ask.customer.id and not await directory.is_within(
        session, ask.customer.id, acting
    ):
        return (_fault("act_as_customer", _NO_CUSTOMER),)
    supply = Supply() if is_stored else await supplying.supply(session, acting, send)
    meant = await _meant(session, ask, acting, send)
    if isinstance(supply, tuple) or isinstance(meant, tuple):
        return tuple(chain(*(part for part in (supply, meant) if isinstance(part, tuple))))
    return Known(meant=meant, supply=supply)


async def _meant(
    session: door.Session, ask: Ask, acting: int, send: Send
) -> tuple[Fault, ...] | Meant | None:
    if audience.is_literal(send.audience) and not send.exclude and not send.explain:
        return None
    known = await _lists(session, acting, send)
    missing = tuple(_missing(send, ask, known))
    return missing or Meant(
        acting=acting,
        person=ask.person_id,
        audience=send.audience,
        exclude=send.exclude,
        lists=known,
    )


async def _lists(session: door.Session, acting: int, send: Send) -> dict[int, int]:
    """The ids of the lists that there are, by the number of their term."""
    every = enumerate(chain(send.audience, send.exclude))
    named = {number: term for number, term in every if isinstance(term, Members)}
    if not named:
        return {}
    wanted = [(term.id, term.name) for term in named.values()]
    found = await expansion.lists(session, acting, wanted)
    return {number: found[place] for place, number in enumerate(named) if place in found}


def _missing(send: Send, ask: Ask, known: Mapping[int, int]) -> Iterator[Fault]:
    for number, term in enumerate(chain(send.audience, send.exclude)):
        own = number < len(send.audience)
        at = f"audience[{number}]" if own else f"exclude[{number - len(send.audience)}]"
        if isinstance(term, Members) and number not in known:
            yield _fault(f"{at}.{'name' if term.id is None else 'id'}", _NO_LIST)
        if isinstance(term, Me) and ask.person_id is None:
            yield _fault(f"{at}.type", _NOBODY, Code.PARAM_INVALID)


def _fault(field: str, message: str, code: Code = Code.NOT_FOUND) -> Fault:
    return Fault(code=code, field=field, message=message)
