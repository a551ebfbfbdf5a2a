"""`deliveryd send`: a request from a file or from flags, through the broker, and its answer."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import orjson
from cyclopts import Parameter

from daemon.broker import topology
from daemon.cli import (
    configured,
    control,
    doors,
    follow,
    names,
    ranges,
    requests,
    story,
    telling,
    verdicts,
)  # fmt: skip
from daemon.cli.blocks import Block
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.requests import Sending, Voice
from daemon.cli.screen import Screen
from daemon.store import inquiries, operator

if TYPE_CHECKING:
    from daemon import config
    from daemon.broker.conversation import Conversation

STDIN = "-"
SILENCE = 5.0
"""Seconds without an event, after which the job is looked up: there may be none to come."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail given by flags instead of a file."""

    to: Annotated[
        tuple[str, ...],
        Parameter(help="Address; may be repeated.", negative="", show_default=False),
    ] = ()
    from_: Annotated[
        str | None, Parameter(name="--from", help="Address; else the transport's.")
    ] = None
    sender: Annotated[
        int | None,
        Parameter(help="A sender's number, instead of --from.", validator=ranges.ID),
    ] = None
    campaign: Annotated[
        int | None,
        Parameter(help="The number of its campaign, which has the rest.", validator=ranges.ID),
    ] = None
    subject: Annotated[str | None, Parameter(help="Subject; {{ vars }} as in the body.")] = None
    text: Annotated[str | None, Parameter(help="Plain text body.")] = None
    html: Annotated[str | None, Parameter(help="HTML body.")] = None
    at: Annotated[
        str | None,
        Parameter(
            help="Not before: 2030-12-31T12:00:00+03:00, or +10m from now.",
            allow_leading_hyphen=True,
        ),
    ] = None

    list: Annotated[
        str | None,
        Parameter(name="--create-list", help="Keep the recipients as contacts of this list."),
    ] = None

    @property
    def is_given(self) -> bool:
        """Whether any flag was."""
        return self != NO_LETTER


def _is_key(_: Any, text: str | None) -> None:
    """An empty variable of a script mustn't make a repeat into another mail."""
    if text == "":
        raise ValueError("A key has a character at least.")


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a request is sent, and what is waited for."""

    type: Annotated[str | None, Parameter(help="Dialect of the file, such as smsby.")] = None
    urgent: Annotated[
        bool, Parameter(help="By the urgent queue.", negative="", show_default=False)
    ] = False
    dry_run: Annotated[
        bool, Parameter(help="Check and count, store nothing.", negative="", show_default=False)
    ] = False
    request_id: Annotated[
        str | None,
        Parameter(help="Its key: the same again gives the first answer again.", validator=_is_key),
    ] = None
    customer: Annotated[
        int | None,
        Parameter(help="As whom, if the broker user is in intake.trusted.", validator=ranges.ID),
    ] = None
    timeout: Annotated[
        float, Parameter(help="Seconds to wait for the answer.", validator=ranges.PATIENCE)
    ] = 10.0
    wait: Annotated[
        bool,
        Parameter(
            help="Follow its events until the job is completed; exit 1 unless all were sent: also"
            " when an address was invalid or missing, or there was nobody to send to.",
            negative="",
            show_default=False,
        ),
    ] = False


NO_LETTER = Letter()
PLAINLY = Manner()


async def send(
    file: Annotated[
        Path | None,
        Parameter(help="JSON request; - reads standard input.", allow_leading_hyphen=True),
    ] = None,
    /,
    *,
    letter: Letter = NO_LETTER,
    manner: Manner = PLAINLY,
    options: Options = DEFAULT,
) -> int:
    """Send a request through RabbitMQ and show its answer.

    The request comes from a file, or is made of --to, --subject, --text and the like.
    """
    settings = configured.settings(options)
    body = _body(file, letter, manner)
    voice = requests.voice(settings, manner.customer, b"" if manner.type else body)
    sending = Sending(
        body=body if manner.type else requests.spoken(voice, body),
        message_id=manner.request_id or str(uuid4()),
        type=manner.type,
        urgent=manner.urgent,
        seconds=manner.timeout,
    )
    return await sent(settings, voice, sending, wait=manner.wait, options=options)


async def sent(
    settings: "config.Config", voice: Voice, sending: Sending, *, wait: bool, options: Options
) -> int:
    """Sends, shows the answer and, if wanted, everything that follows from it."""
    async with doors.rabbitmq(settings) as conversation:
        if wait:
            # before it is sent: events don't wait for whoever comes later
            events = topology.names(settings.rabbitmq.prefix).events
            await conversation.listen(events, ["job.#", "delivery.#"])
        answer = await requests.ask(conversation, settings, voice, sending)
        if not wait or not verdicts.is_positive(answer) or "job" not in answer:
            return verdicts.present(answer, view, options)
        return await _followed(conversation, settings, Screen(options), answer)


def view(answer: Any) -> list[Block]:
    """A positive answer in words; one in foreign words as it is."""
    if not verdicts.is_positive(answer):
        return [orjson.dumps(answer).decode()]
    if "counts" not in answer:
        return control.view(answer)
    said = "valid" if answer.get("dry_run") else "accepted"
    if answer.get("repeated"):
        said = "a repeat, of which nothing is sent again: accepted before"
    if answer.get("job"):
        said += f" as job {answer['job']}, ticket {answer['ticket']}"
    if answer.get("list"):
        said += f", kept in list {answer['list']}"
    if answer.get("campaign"):
        said += f", under campaign {answer['campaign']}"
    return [f"{said}: {story.numbers(answer['counts'])}", *verdicts.warnings(answer)]


async def _followed(
    conversation: "Conversation", settings: "config.Config", screen: Screen, answer: Any
) -> int:
    """Shows what happens to the job, as it happens."""
    followed = follow.Follow(answer["job"])
    if screen.talks:
        screen.show(answer, view(answer))
    if answer.get("repeated"):
        # its events may all have been told already
        followed.end((await _looked(settings, UUID(answer["job"])))[0])
    resume = ""
    while not followed.is_over:
        heard = await conversation.hear(SILENCE)
        event = orjson.loads(heard.body) if heard else None
        if event is None:
            numbers, known = await _looked(settings, UUID(answer["job"]))
            followed.end(numbers)
            if known and known != resume and screen.talks:
                screen.entry({}, f"paused, and waits for: {known}")
            resume = known
        elif followed.take(event) and screen.talks:
            screen.entry(event, follow.line(event))
    counts = dict(followed.numbers or {})
    ending = [f"completed: {story.numbers(counts)}"]
    screen.show(answer | {"counts": counts}, ending if screen.talks else [])
    return Exit.OK if followed.all_sent else Exit.FAILED


async def _looked(settings: "config.Config", job: UUID) -> tuple[Mapping[str, Any] | None, str]:
    """Why there is silence: the final numbers of a job that has ended, or what ends its pause."""
    async with doors.postgres(settings) as store:
        found = await operator.job(store, job)
        stood = await inquiries.job(store, found.customer_id, job=job) if found else None
    ended = stood.numbers if stood and stood.fields["finished_at"] else None
    return ended, telling.paused(found) if found and ended is None else ""


def _body(file: Path | None, letter: Letter, manner: Manner) -> bytes:
    if (file is None) == (not letter.is_given):
        raise Ended("give either a file or flags such as --to, --subject and --text", Exit.USAGE)
    if file is None:
        return orjson.dumps(_request(letter, manner))
    if manner.dry_run:
        raise Ended("--dry-run goes with flags; a file says it by `dry_run: true`", Exit.USAGE)
    if manner.type and manner.customer is not None:
        raise Ended("--customer: a dialect says by itself who asks", Exit.USAGE)
    return read(file)


def read(file: Path) -> bytes:
    """The octets of a request's file. A name with a hyphen first is an option that isn't known."""
    if str(file).startswith("-") and str(file) != STDIN:
        raise Ended(
            f"{file}: is no option of this command; as a file's name it is ./{file}", Exit.USAGE
        )
    try:
        return sys.stdin.buffer.read() if str(file) == STDIN else file.read_bytes()
    except OSError as error:
        raise Ended(f"{file}: {error.strerror}", Exit.USAGE) from None


def _request(letter: Letter, manner: Manner) -> dict[str, Any]:
    """The native request that the flags describe."""
    message = {
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "from": letter.from_ and {"address": letter.from_},
        "sender_id": letter.sender,
    }
    items = [{"address": address} for address in letter.to]
    request: dict[str, Any] = {
        "v": requests.VERSION,
        "command": "send",
        "audience": [{"type": "recipients", "items": items}],
        "messages": [{name: value for name, value in message.items() if value is not None}],
    }
    if manner.request_id:
        request["request_id"] = manner.request_id
    if manner.dry_run:
        request["dry_run"] = True
    if letter.campaign is not None:
        request["campaign_id"] = letter.campaign
    if letter.list:
        request["create_list"] = {"name": letter.list}
    if letter.at:
        due = names.moment(letter.at, datetime.now(UTC))
        request["delivery"] = {"not_before": due.isoformat()}
    return request
