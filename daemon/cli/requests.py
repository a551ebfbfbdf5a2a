"""Requests that a command makes through the broker, like any producer; and what came of them.

As whom: the broker user of the configured URL, if `[intake]` knows him; else without a name. For a
customer of one's choice the user must be one of `intake.trusted`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import orjson

from daemon.broker import topology
from daemon.cli.exits import Ended, Exit

if TYPE_CHECKING:
    from daemon import config
    from daemon.broker.conversation import Conversation

VERSION = 1
_DEFAULT_USER = "guest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """As whom a request is made."""

    user: str | None
    """The broker user that the broker shall vouch for; None = nobody."""
    principal: int | None = None
    """The customer named in the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A request on its way."""

    body: bytes
    message_id: str
    """The key of a request that brings none: with the same one it can be repeated safely."""
    type: str | None = None
    urgent: bool = False
    seconds: float = 10.0
    """How long its answer is waited for."""


def voice(settings: "config.Config", customer: int | None, body: bytes = b"") -> Voice:
    """As whom to speak for a customer; None = for whomever the body or the configuration says."""
    intake = settings.intake
    user = login(settings.rabbitmq.url.reveal())
    is_named = user in intake.trusted and _names_principal(body)
    if is_named and customer is not None:
        raise Ended("the file says itself as whom (principal): leave out --customer", Exit.USAGE)
    if is_named:
        return Voice(user=user)
    if user in intake.trusted and customer is not None:
        return Voice(user=user, principal=customer)
    mine = intake.users.get(user, intake.anonymous)
    if customer is not None and customer != mine:
        whom = "nobody" if mine is None else f"customer {mine}"
        raise Ended(
            f"broker user {user} speaks for {whom}, not for customer {customer}:"
            " name the user in intake.trusted"
        )
    return Voice(user=user if user in intake.users else None)


def _names_principal(body: bytes) -> bool:
    """Whether the request says itself as whom it is made: that is believed of a user only."""
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(request, dict) and request.get("principal") is not None


def login(url: str) -> str:
    """The user of an AMQP URL; RabbitMQ's own default if it names none."""
    return unquote(urlsplit(url).username or _DEFAULT_USER)


def body(voice: Voice, command: str, arguments: Mapping[str, Any]) -> bytes:
    """A native request."""
    return spoken(voice, orjson.dumps({"v": VERSION, "command": command, **arguments}))


def spoken(voice: Voice, body: bytes) -> bytes:
    """The body with its principal in front. Not decoded for it: numbers stay as they were written.

    A principal that the body brings itself comes later, and so counts.
    """
    if voice.principal is None:
        return body
    principal = orjson.dumps({"customer_id": voice.principal})
    return b'{"principal":' + principal + b"," + body.strip().removeprefix(b"{")


async def ask(
    conversation: "Conversation", settings: "config.Config", voice: Voice, sending: Sending
) -> Any:
    """The answer, as JSON values. `Ended` when none comes in time.

    One of ours that was given before says so itself, as `repeated`.
    """
    name = topology.names(settings.rabbitmq.prefix)
    from daemon.broker.conversation import Question  # noqa: PLC0415 - aio_pika: --help needs none

    question = Question(
        body=sending.body,
        message_id=sending.message_id,
        type=sending.type,
        user_id=voice.user,
    )
    await conversation.ask(
        name.requests, "request.urgent" if sending.urgent else "request.normal", question
    )
    heard = await conversation.answer(sending.message_id, sending.seconds)
    if heard is None:
        raise Ended(
            f"no answer within {sending.seconds:g} s: it waits in the queue, and is carried out"
            f" when an intake takes it (message id {sending.message_id})",
            Exit.TEMPORARY,
        )
    answer = orjson.loads(heard.body)
    is_ours = isinstance(answer, dict) and "ok" in answer
    return answer | {"repeated": True} if heard.repeated and is_ours else answer
