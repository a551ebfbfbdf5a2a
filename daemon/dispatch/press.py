"""Where held deliveries become attempts: one plan per message, kept while it is used."""

from collections import OrderedDict
from hashlib import blake2b
from typing import Any

from daemon.compose import letter
from daemon.compose import plan as plans
from daemon.compose.template import Fault
from daemon.dispatch.held import Held
from daemon.mail.attempt import Attempt, Envelope
from daemon.mail.outcome import Failed
from daemon.store import lanes

_PLANS = 256
"""Plans that are kept; each is a few times its message's size."""


class Press:
    """Composes attempts. `key` is the database's own secret, so that all instances agree."""

    def __init__(self, *, message_domain: str, key: bytes) -> None:
        self._message_domain = message_domain
        self._key = key
        self._plans: OrderedDict[tuple[int, int], plans.Plan | tuple[Fault, ...]] = OrderedDict()

    def attempt(self, held: Held, lane: lanes.Lane) -> Attempt | Failed:
        """The envelope and the bytes of a delivery that has its permit."""
        plan = self._plan(held, lane)
        if not isinstance(plan, plans.Plan):
            return Failed(reason=f"content: {plan[0].field}")
        if held.date is None:
            raise ValueError("a delivery is composed after its permit")
        made = letter.compose(plan, _addressee(held), date=held.date)
        if isinstance(made, letter.Uncomposable):
            return Failed(reason=made.reason)
        recipient = held.delivery.address
        sender = lane.sender or plan.draft.from_address
        return Attempt(
            delivery_id=held.id,
            number=held.attempt,
            envelope=Envelope(
                sender=sender,
                recipient=recipient,
                needs_smtputf8=not (recipient.isascii() and sender.isascii()),
            ),
            content=made,
            tenure=held.tenure,
        )

    def _plan(self, held: Held, lane: lanes.Lane) -> plans.Plan | tuple[Fault, ...]:
        key = (held.message_id, lane.id)
        found = self._plans.get(key)
        if found is None:
            seed = blake2b(held.job_id.bytes, key=self._key[:64], digest_size=32).digest()
            found = self._plans[key] = plans.plan(
                _draft(held.spec, lane), message_domain=self._message_domain, seed=seed
            )
            if len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return found


def _draft(spec: dict[str, Any], lane: lanes.Lane) -> plans.Draft:
    author = spec.get("from") or {}
    own = author.get("address")
    return plans.Draft(
        from_address=own or lane.from_address,
        # the transport's name goes with the transport's address only
        from_name=author.get("name") or (None if own else lane.from_name or None),
        reply_to=spec.get("reply_to") or lane.reply_to,
        subject=spec.get("subject") or "",
        text=spec.get("text"),
        html=spec.get("html"),
    )


def _override(own: dict[str, str]) -> plans.Override:
    return plans.Override(subject=own.get("subject"), text=own.get("text"), html=own.get("html"))


def _addressee(held: Held) -> letter.Addressee:
    delivery = held.delivery
    return letter.Addressee(
        delivery_id=delivery.id,
        address=delivery.address,
        name=delivery.name,
        variables=delivery.variables,
        override=_override(delivery.override) if delivery.override else None,
    )
