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

    def __init__(self, *, key: bytes) -> None:
        self._key = key
        self._plans: OrderedDict[int, plans.Plan | tuple[Fault, ...]] = OrderedDict()

    def attempt(self, held: Held, lane: lanes.Lane) -> Attempt | Failed:
        """The envelope and the bytes of a delivery that has its permit."""
        plan = self._plan(held)
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

    def _plan(self, held: Held) -> plans.Plan | tuple[Fault, ...]:
        found = self._plans.get(held.message_id)
        if found is None:
            found = self._plans[held.message_id] = self._made(held)
            if len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(held.message_id)
        return found

    def _made(self, held: Held) -> plans.Plan | tuple[Fault, ...]:
        """From what was stored with the message, and from nothing else: every try is the same."""
        seed = blake2b(held.job_id.bytes, key=self._key[:64], digest_size=32).digest()
        return plans.plan(_draft(held.spec), message_domain=held.spec["message_domain"], seed=seed)


def _draft(spec: dict[str, Any]) -> plans.Draft:
    author = spec["from"]
    return plans.Draft(
        from_address=author["address"],
        from_name=author.get("name") or None,
        reply_to=spec.get("reply_to"),
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
