"""From a parcel to a request: who asks, what, and how it is recognised; or why it is none."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from daemon.broker.parcel import Parcel
from daemon.config import Config
from daemon.dialects import DIALECTS
from daemon.dialects.dialect import Credentials, Dialect
from daemon.directory.principals import Principal
from daemon.intake import plans, roles
from daemon.intake.ask import Ask, Back, Dead, Turned
from daemon.intake.asker import Asker
from daemon.mail.refusal import Code, NotARequest, Refused, refused
from daemon.mail.request import audience, commands, decode, parcel
from daemon.mail.request.commands import Close, Extend
from daemon.mail.request.decode import Decoded
from daemon.mail.request.forms import Request
from daemon.mail.request.parcel import Label
from daemon.mail.request.rules import Doubt, Purpose, Rules, Setting
from daemon.mail.request.send import Send
from daemon.store.directory import Customer
from daemon.store.framing import Kept
from daemon.store.memories import Holder

_UNFIT_ID = "the `message_id` must be one line of printable characters"


def rules(config: Config) -> Rules:
    """What the configuration decides about requests."""
    return Rules(
        body=config.intake.max_parcel,
        recipients=config.intake.frame_limit,
        expires_after=int(config.retry.budget),
        doubt={
            Purpose.TRANSACTIONAL: Doubt(config.doubt.transactional),
            Purpose.MARKETING: Doubt(config.doubt.marketing),
        },
    )


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads parcels. Asks the directory who asks, and nothing else."""

    asker: Asker
    rules: Rules
    key: bytes
    """Keys the hashes by which bodies are compared."""
    urgent: str
    """The name of the urgent queue."""
    instance: UUID

    async def read(self, taken: Parcel, now: datetime) -> Ask | Turned | Dead:
        """The request of a parcel, or why there is none or it is refused."""
        setting = Setting(now=now, urgent=taken.queue == self.urgent, rules=self.rules)
        dialect = DIALECTS.get(taken.type or "")
        return await _Reading(reader=self, taken=taken, setting=setting, dialect=dialect).result()

    def again(self, kept: Kept, customer: Customer, now: datetime) -> Ask | Refused:
        """The request of a frame that was kept; it was read well once."""
        setting = Setting(now=now, rules=self.rules)
        found = decode.native(kept.body, Label(), setting)
        if not isinstance(found, Decoded):
            return found if isinstance(found, Refused) else refused(found.code, found.message)
        return Ask(
            customer=customer,
            decoded=found,
            back=Back(reply_to=kept.reply_to, correlation_id=kept.correlation_id),
            request_id=kept.request_id,
            body_hash=kept.body_hash,
            plain=kept.body,
        )

    def back(self, taken: Parcel) -> Back:
        """Where a parcel's answer goes. The database takes no NUL, and no sane sender has one."""
        return Back(
            reply_to=(taken.reply_to or "").replace("\0", "") or None,
            correlation_id=(taken.correlation_id or "").replace("\0", "") or None,
            dialect=DIALECTS.get(taken.type or ""),
        )

    def digest(self, source: Mapping[str, Any], speaks: str) -> bytes:
        """What two requests that ask for the same, in the same format, have in common."""
        whole = speaks.encode() + b"\0" + decode.canonical_bytes(source)
        return hmac.digest(self.key, whole, "sha256")


@dataclass(slots=True, kw_only=True)
class _Reading:
    """One parcel being read."""

    reader: Reader
    taken: Parcel
    setting: Setting
    dialect: Dialect | None

    @property
    def back(self) -> Back:
        return self.reader.back(self.taken)

    @property
    def label(self) -> Label:
        return Label(
            type=self.taken.type,
            content_type=self.taken.content_type,
            content_encoding=self.taken.content_encoding,
        )

    async def result(self) -> Ask | Turned | Dead:
        if not self.taken.is_whole:
            return self._dead(parcel.too_large(self.reader.rules.body))
        if self.dialect is not None:
            return await self._foreign(self.dialect)
        found = decode.native(self.taken.body, self.label, self.setting)
        if isinstance(found, NotARequest):
            return self._dead(found)
        who = await self.reader.asker.native(self.taken.user_id, named=_named(found))
        return self._read(found, who)

    async def _foreign(self, dialect: Dialect) -> Ask | Turned | Dead:
        fields = parcel.read(self.taken.body, self.label, limit=self.reader.rules.body)
        if isinstance(fields, NotARequest):
            return self._dead(fields)
        credentials = dialect.credentials(fields)
        if isinstance(credentials, NotARequest):
            return self._dead(credentials)
        if isinstance(credentials, Refused):
            return self._turned(credentials, 0)
        return await self._known(dialect, fields, credentials)

    async def _known(
        self, dialect: Dialect, fields: Mapping[str, Any], credentials: Credentials
    ) -> Ask | Turned:
        who = await self.reader.asker.foreign(credentials)
        if isinstance(who, Refused):
            return self._turned(who, 0)
        found = dialect.parse(fields, zone=_zone(who.customer), setting=self.setting)
        return self._read(found, who)

    def _read(self, found: Decoded | Refused, who: Principal | Refused) -> Ask | Turned:
        """A stranger hears only that he is one; anybody else hears everything."""
        if isinstance(who, Refused):
            return self._turned(who, 0, of=found)
        customer = who.customer
        forbidden = roles.forbidden(found, who) or plans.forbidden(found, who)
        if forbidden is not None:
            return self._turned(forbidden, customer.id, of=found)
        if isinstance(found, Refused):
            return self._turned(found, customer.id, of=found)
        name = found.request.request_id or self.taken.message_id or None
        if name is not None and not name.isprintable():
            return self._turned(refused(Code.PARAM_INVALID, _UNFIT_ID), customer.id, of=found)
        return Ask(
            customer=customer,
            person_id=who.person_id,
            is_trusted=who.is_trusted,
            user=self.taken.user_id,
            decoded=found,
            back=self.back,
            request_id=name,
            body_hash=self.reader.digest(found.source, self.back.speaks),
            plain=self._plain(found.request),
            redelivered=self.taken.redelivered,
            holder=Holder(self.reader.instance, self.taken.session, self.taken.tag),
        )

    def _plain(self, request: Request) -> bytes:
        """The body as it may have to be kept: of what may wait for something."""
        if not isinstance(request, Extend | Close) and not _may_be_put_off(request):
            return b""
        plain = parcel.unpack(self.taken.body, self.label, limit=self.reader.rules.body)
        return plain if isinstance(plain, bytes) else b""

    def _dead(self, reason: NotARequest) -> Dead:
        number = self.reader.asker.number_of(self.taken.user_id)
        return Dead(reason=reason, back=self.back, customer_id=number, request_id=self._name)

    def _turned(
        self, reason: Refused, customer: int, *, of: Decoded | Refused | None = None
    ) -> Turned:
        command, name = reason.command, reason.request_id
        if isinstance(of, Decoded):
            command, name = of.request.command, of.request.request_id
        elif of is not None:
            command, name = of.command, of.request_id
        name = name or self._name  # the key by which its sender knows it
        return Turned(
            refused=replace(reason, command=command, request_id=name),
            back=self.back,
            customer_id=customer,
            request_id=name,
        )

    @property
    def _name(self) -> str | None:
        name = self.taken.message_id
        return name if name and name.isprintable() else None


def _may_be_put_off(request: Request) -> bool:
    return isinstance(request, Send) and not audience.is_literal(request.audience)


def _zone(customer: Customer) -> tzinfo:
    """The zone of his local times; UTC needs no database of zones."""
    return UTC if customer.timezone == "UTC" else ZoneInfo(customer.timezone)


def _named(found: Decoded | Refused) -> commands.Principal | None:
    """For whom a native body says that it speaks."""
    if isinstance(found, Decoded):
        return found.request.principal
    number = found.customer_id
    if number is None:
        return None
    return commands.Principal(
        customer_id=number, person_id=found.person_id, api_key_id=found.api_key_id
    )
