"""One send on its way through accept: what was asked, what is stored of it, what is said to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from daemon.expansion import literal
from daemon.expansion.meant import Meant
from daemon.intake import draft, events, granting, supplying
from daemon.intake.ask import Ask, Verdict
from daemon.intake.granting import Claim
from daemon.intake.supplying import Supply
from daemon.mail import counts, money
from daemon.mail.money import Paid
from daemon.mail.plan import Plan, Unfit
from daemon.mail.refusal import Code, Fault, Refused
from daemon.mail.request import mentions
from daemon.mail.request.answers import Accepted
from daemon.mail.request.send import Send
from daemon.mail.standing import JobNow
from daemon.store.accepting import Job, Stored
from daemon.store.claims import Delivery
from daemon.store.expansion import Expanded, Place
from daemon.store.memories import Memory


@dataclass(slots=True, kw_only=True, eq=False)
class Entry:
    """Changes while it goes through the transaction; with a verdict it goes no further."""

    ask: Ask
    send: Send
    job: Job
    planned: Plan | Unfit
    now: datetime
    """When it was accepted."""
    meant: Meant | None = None
    """Whom the directory is asked for; None = the parcel itself names everyone."""
    is_put_off: bool = False
    """Whether its audience is found later, by an expander."""
    is_late: bool = False
    """Whether that is when it is due."""
    is_counted: bool = False
    """Whether its plan has counted it as a request before."""
    may_wait: bool = False
    """Whether it may be put off."""
    is_routed: bool = False
    """Whether its transport is one that its sender or its campaign brings."""
    claim: int | None = None
    stored: Stored | None = None
    taker: UUID | None = None
    """The instance that takes its only delivery at once; None = it waits to be claimed."""
    expanded: Expanded | None = None
    list: int | None = None
    """Into which those who are meant were entered."""
    paid: Paid | None = None
    verdict: Verdict | None = None

    @property
    def is_stored(self) -> bool:
        """Whether there is a job."""
        return self.stored is not None and self.stored.message_id is not None

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it may stay."""
        return self.verdict is not None and self.verdict.result == "refused"

    @property
    def numbers(self) -> dict[str, int]:
        """What its expansion came to; empty before it."""
        return self.expanded.counts if self.expanded else {}

    @property
    def is_told(self) -> bool:
        """Whether it is answered now; else whoever waits hears of it when its audience is found."""
        return not self.is_put_off or self.is_late

    @property
    def is_empty(self) -> bool:
        """Whether it has reached nobody, so far."""
        return not self.numbers.get("queued")

    @property
    def is_over(self) -> bool:
        """Whether it reaches nobody, and nobody will come."""
        return self.is_empty and not self.send.open and not self.is_put_off

    @property
    def is_ahead(self) -> bool:
        """Whether it isn't due yet."""
        return isinstance(self.planned, Plan) and self.planned.due_at > self.now

    @property
    def known(self) -> dict[str, int | None]:
        """The counts; how many are asked for isn't known while frames or an expander may come."""
        numbers = events.asked(self.numbers)
        is_open = self.send.open or self.is_put_off
        return {**numbers, "requested": None} if is_open else numbers

    @property
    def place(self) -> Place | None:
        """Where its recipients go; None when it isn't stored."""
        if self.stored is None or self.stored.message_id is None:
            return None
        return Place(job_id=self.job.id, message_id=self.stored.message_id)

    @property
    def audience(self) -> literal.Audience | None:
        """Those whom the parcel itself names, when nobody else is meant."""
        if self.place is None or self.meant is not None:
            return None
        return literal.Audience(
            job_id=self.place.job_id,
            message_id=self.place.message_id,
            recipients=self.send.recipients,
            taker=self.taker,
        )

    @property
    def taken(self) -> Delivery | None:
        """The delivery that was taken; None = whatever there is waits."""
        return self.expanded.taken if self.expanded and not self.is_refused else None

    @property
    def due(self) -> Claim:
        """What its plan and its credit have to grant."""
        job, price = self.job, self.stored.price if self.stored else None
        queued, asked = self.numbers.get("queued", 0), self.numbers.get("requested", 0)
        return Claim(
            job.id,
            granting.use(self.ask, job.id, queued, asked=asked, is_request=not self.is_counted),
            granting.bill(job, price, queued),
        )

    @property
    def told(self) -> dict[str, Any]:
        """What the events about it say of money, its campaign, and the list that was made."""
        about = {"list": self.list, "campaign": self.send.campaign_id}
        named = {name: number for name, number in about.items() if number is not None}
        return {**named, **money.told(self.paid)}

    def complete(self, supply: Supply) -> None:
        """Takes what the message and its way were left open for."""
        whole = supplying.supplied(self.send, supply)
        if whole is not self.send:
            self.is_routed = whole.delivery is not self.send.delivery
            self.send, self.job = whole, draft.completed(self.job, whole)
            self.ask = self.ask.warned(mentions.unmet(whole))

    def refuse(self, code: Code, field: str, message: str) -> None:
        """Ends this send; the group goes on."""
        self.refuse_for(Fault(code=code, field=field, message=message))

    def refuse_for(self, *faults: Fault) -> None:
        """The same, for all of these."""
        request_id = self.ask.request_id
        refused = Refused(faults=faults, command=self.send.command, request_id=request_id)
        self.verdict = Verdict(result="refused", answer=refused)

    def accepted(self) -> Accepted:
        """What is said to whoever asked."""
        message, expanded = self.stored and self.stored.message_id, self.expanded
        alone = self.numbers.get("queued") == 1
        return Accepted(
            command=self.send.command,
            request_id=self.ask.request_id,
            job=self.job.id,
            ticket=self.job.ticket,
            messages=(message,) if message else (),
            delivery=expanded.first_delivery if expanded and alone else None,
            list=self.list,
            campaign=self.send.campaign_id,
            counts=self.known,
            money=money.told(self.paid),
            notices=self.ask.decoded.notices,
        )

    def memory(self, answer: bytes) -> Memory:
        """What it is recognised by when it has no key."""
        return Memory(
            customer_id=self.job.customer_id,
            body_hash=self.job.body_hash,
            job_id=self.job.id,
            answer=answer,
            holder=self.ask.holder,
        )

    def ended(self) -> JobNow:
        """Its job, at whose end nobody was left in it."""
        assert self.stored is not None  # noqa: S101 - only stored ones end
        assert self.stored.expires_at is not None  # noqa: S101
        return JobNow(
            id=self.job.id,
            customer_id=self.job.customer_id,
            state="completed",
            open=False,
            doubt=self.job.doubt,
            parts=0,
            expires_at=self.stored.expires_at,
            numbers={**dict.fromkeys(counts.ALL, 0), **self.known},
        )
