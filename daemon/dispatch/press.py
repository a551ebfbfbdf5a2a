"""Where held deliveries become attempts: one plan per message, kept while it is used.

Whatever is wrong with one message stays its own: a fault of ours that only it meets puts it off, so
that the rest goes on, and a version without the fault may still send it.
"""

from collections import OrderedDict
from hashlib import blake2b
from typing import Any, NamedTuple

from daemon import logs
from daemon.compose import letter
from daemon.compose import plan as plans
from daemon.delivery.courier import Reason
from daemon.dispatch.held import Held
from daemon.mail.attempt import Attempt, Envelope
from daemon.mail.outcome import Deferred, Failed
from daemon.store import lanes

_ROOM = 16 * 2**20
"""Characters of content whose plans are kept; each is a few times as large. One is kept always."""

_REST = 4096
"""What a plan of no content counts for."""

_log = logs.get("dispatch.press")
_seldom = logs.Seldom()


class Press:
    """Composes attempts. `key` is the database's own secret, so that all instances agree."""

    def __init__(self, *, key: bytes) -> None:
        self._key = key
        self._plans: OrderedDict[int, _Kept] = OrderedDict()
        self._kept = 0

    def attempt(self, held: Held, lane: lanes.Lane) -> Attempt | Failed | Deferred:
        """The envelope and the bytes of a delivery that has its permit."""
        try:
            return self._attempt(held, lane)
        except Exception as error:  # noqa: BLE001 - the edge: see above
            swallowed = _seldom.ask(type(error))
            if swallowed is not None:
                _log.error(
                    "compose.failed", delivery_id=held.id, swallowed=swallowed, exc_info=error
                )
            return Deferred(reason=Reason.COMPOSING)

    def _attempt(self, held: Held, lane: lanes.Lane) -> Attempt | Failed:
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

    def _plan(self, held: Held) -> plans.Plan | tuple[plans.Fault, ...]:
        found = self._plans.get(held.message_id)
        if found is not None:
            self._plans.move_to_end(held.message_id)
            return found.plan
        made = _Kept(self._made(held), _size(held.spec))
        self._plans[held.message_id] = made
        self._kept += made.size
        while self._kept > _ROOM and len(self._plans) > 1:
            _, oldest = self._plans.popitem(last=False)
            self._kept -= oldest.size
        return made.plan

    def _made(self, held: Held) -> plans.Plan | tuple[plans.Fault, ...]:
        """From what was stored with the message, and from nothing else: every try is the same."""
        seed = blake2b(held.job_id.bytes, key=self._key[:64], digest_size=32).digest()
        return plans.plan(_draft(held.spec), message_domain=held.spec["message_domain"], seed=seed)


class _Kept(NamedTuple):
    """A plan, or what is wrong with its message, and how much room that takes."""

    plan: plans.Plan | tuple[plans.Fault, ...]
    size: int


def _size(spec: dict[str, Any]) -> int:
    """Characters of content, and some for all the rest."""
    return _REST + sum(len(spec.get(part) or "") for part in ("subject", "text", "html"))


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
