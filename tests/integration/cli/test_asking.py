"""Commands that ask through the broker, before somebody who answers in intake's place."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from daemon.broker import topology
from tests.integration.cli.conftest import Typed
from tests.integration.dispatch.conftest import Ground

JOB = "01890a5d-ac96-774b-bcce-b302099a8057"
ACCEPTED = {
    "v": 1, "ok": True, "command": "send", "job": JOB, "ticket": "email_5f3fbce61266e",
    "counts": {"requested": 1, "queued": 1},
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Counter:
    """Takes requests and gives each the same answer, with events before it."""

    channel: AbstractChannel
    exchange: str
    answer: dict[str, Any] = field(default_factory=lambda: ACCEPTED)
    events: list[dict[str, Any]] = field(default_factory=list)
    taken: list[AbstractIncomingMessage] = field(default_factory=list)

    async def take(self, message: AbstractIncomingMessage) -> None:
        """One request: events first, then its answer."""
        await message.ack()
        self.taken.append(message)
        await self.tell()
        body = json.dumps(self.answer).encode()
        reply = aio_pika.Message(body, correlation_id=message.correlation_id)
        await self.channel.default_exchange.publish(reply, message.reply_to or "")

    async def tell(self) -> None:
        """Tells the events."""
        exchange = await self.channel.get_exchange(self.exchange, ensure=False)
        for event in self.events:
            body = json.dumps(event).encode()
            await exchange.publish(aio_pika.Message(body), f"{event['type']}.1")

    @property
    def request(self) -> dict[str, Any]:
        """The last request's body."""
        found: dict[str, Any] = json.loads(self.taken[-1].body)
        return found


def event(kind: str, **data: Any) -> dict[str, Any]:
    """An event of the job."""
    return {"type": kind, "time": "2026-11-21T10:00:00+00:00", "data": {"job_id": JOB, **data}}


@pytest.fixture
async def counter(channel: AbstractChannel, prefix: str) -> Counter:
    """Somebody behind the normal queue."""
    names = topology.names(prefix)
    counter = Counter(channel=channel, exchange=names.events)
    queue = await channel.get_queue(names.normal, ensure=False)
    await queue.consume(counter.take)
    return counter


@pytest.fixture
def user(url: str) -> str:
    """The broker user."""
    return urlsplit(url).username or "guest"


async def test_send_by_flags(counter: Counter, typed: Typed) -> None:
    """Flags become a native request; its answer is told in words, or as it is with --json."""
    words = ("send", "--to", "ann@example.com", "--subject", "Hello", "--text", "x")
    ended = await typed(*words, "--request-id", "r1")
    assert (ended.code, ended.err) == (0, "")
    assert f"accepted as job {JOB}" in ended.out
    request = counter.request
    assert request["command"] == "send"
    assert request["messages"] == [{"subject": "Hello", "text": "x"}]
    assert request["audience"][0]["items"] == [{"address": "ann@example.com"}]
    assert counter.taken[-1].message_id == request["request_id"] == "r1"
    assert (await typed(*words, "--json")).document == ACCEPTED


async def test_send_a_file(counter: Counter, typed: Typed, tmp_path: Any) -> None:
    """A file is sent as it is, byte for byte, and nobody is named."""
    path = tmp_path / "r.json"
    path.write_bytes(b'{"v": 1,  "command": "send", "price": 9.90}\n')
    assert (await typed("send", str(path))).code == 0
    assert counter.taken[-1].body == path.read_bytes()
    assert counter.taken[-1].user_id is None


async def test_refused(counter: Counter, typed: Typed) -> None:
    """A refusal is a line per fault on standard error, and exit 65 when it was the request's."""
    errors = [{"code": "param.invalid", "field": "a.b", "message": "is not known"}]
    counter.answer = {"v": 1, "ok": False, "errors": errors * 2}
    ended = await typed("send", "--to", "x")
    assert (ended.code, ended.out) == (65, "")
    assert ended.err == "deliveryd: refused: a.b: is not known (param.invalid)\n" * 2
    assert (await typed("send", "--to", "x", "--json")).document == counter.answer


async def test_a_refused_change(counter: Counter, typed: Typed) -> None:
    """A refusal of a command with words of its own for a yes is told as any other, too."""
    error = {"code": "param.invalid", "field": "to", "message": "must be later than `from`"}
    counter.answer = {"v": 1, "ok": False, "command": "events.replay", "errors": [error]}
    words = ("events", "replay", "--from", "-1h", "--to", "-2h")
    ended = await typed(*words)
    assert (ended.code, ended.out) == (65, "")
    assert ended.err == "deliveryd: refused: to: must be later than `from` (param.invalid)\n"
    ended = await typed(*words, "--json")
    assert (ended.code, ended.document) == (65, counter.answer)


async def test_no_answer(channel: AbstractChannel, typed: Typed) -> None:
    """Where nobody answers, the command says that the request waits, and exits 75."""
    assert channel
    ended = await typed("send", "--to", "x", "--timeout", "0.2")
    assert ended.code == 75
    assert "waits in the queue" in ended.err


async def test_no_topology(typed: Typed) -> None:
    """Without exchanges and queues the command fails at once, with exit 69."""
    ended = await typed("send", "--to", "x")
    assert ended.code == 69
    assert ended.err.startswith("deliveryd: RabbitMQ: ")


async def test_followed_to_its_end(counter: Counter, typed: Typed) -> None:
    """--wait shows every event of the job, also those before the answer, and no other's."""
    counter.events = [
        event("job.accepted"),
        event("delivery.sent", delivery_id=1, address="ann@example.com", code=250, text="ok"),
        event("delivery.sent", delivery_id=2) | {"data": {"job_id": "another", "delivery_id": 2}},
        event("job.completed", counts={"requested": 1, "queued": 1, "sent": 1}),
    ]
    ended = await typed("send", "--to", "ann@example.com", "--wait")
    assert ended.code == 0
    assert ended.out.count("delivery.sent") == 1
    assert ended.out.endswith("completed: 1 requested, 1 queued, 1 sent\n")


async def test_not_all_were_sent(counter: Counter, typed: Typed) -> None:
    """--wait exits 1 when somebody didn't get it; --json is one document with the final numbers."""
    counter.events = [
        event("delivery.bounced", delivery_id=1),
        event("job.completed", counts={"queued": 1, "sent": 0, "bounced": 1}),
    ]
    ended = await typed("send", "--to", "ann@example.com", "--wait", "--json")
    assert ended.code == 1
    assert ended.document["counts"]["bounced"] == 1


class Person(StringIO):
    """Somebody at a terminal."""

    def isatty(self) -> bool:
        """He is."""
        return True


async def test_a_person_is_asked(
    counter: Counter, ground: Ground, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a terminal a cancel of a job asks first; no is no request, --yes asks nothing."""
    job = await ground.job(3)
    counter.answer = {"v": 1, "ok": True, "command": "cancel", "job": str(job), "canceled": 3}
    seen = Person()
    monkeypatch.setattr("sys.stdin", Person("n\n"))
    monkeypatch.setattr("sys.stderr", seen)
    assert (await typed("cancel", str(job))).code == 1
    assert seen.getvalue().startswith("Cancel 3 deliveries of job")
    assert counter.taken == []
    assert (await typed("cancel", str(job), "--yes")).code == 0
    assert len(counter.taken) == 1


async def test_changes_go_through_the_queue(
    counter: Counter, ground: Ground, typed: Typed, user: str
) -> None:
    """A trusted user's command names the job's customer, whatever name the job was called by."""
    job = await ground.job(1, customer=2)
    await ground.bare.execute("UPDATE job SET request_id = 'order-1'")
    counter.answer = {"v": 1, "ok": True, "command": "cancel", "canceled": 1}
    trusted = ("--set", f'intake.trusted=["{user}"]')
    ended = await typed("cancel", "order-1", *trusted)
    assert (ended.code, ended.err) == (0, "")
    assert counter.request == {
        "principal": {"customer_id": 2}, "v": 1, "command": "cancel", "job": str(job),
    }  # fmt: skip
    assert counter.taken[-1].user_id == user
    assert (await typed("cancel", "order-1")).code == 1
    assert len(counter.taken) == 1


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("pause {job}", {"command": "pause", "job": "{job}"}),
        ("resume --customer 1", {"command": "resume", "customer": 1}),
        ("cancel {delivery}", {"command": "cancel", "delivery": "{delivery}"}),
        ("doubt give-up {job}", {"command": "doubt.resolve", "action": "give_up", "job": "{job}"}),
        (
            "doubt resend {delivery}",
            {"command": "doubt.resolve", "action": "resend", "deliveries": ["{delivery}"]},
        ),
        ("events replay --job {job}", {"command": "events.replay", "job": "{job}"}),
        (
            "reschedule {job} --at 2031-01-01T12:00:00Z",
            {"command": "reschedule", "job": "{job}", "not_before": "2031-01-01T12:00:00+00:00"},
        ),
    ],
)
async def test_every_change(
    words: str, arguments: dict[str, Any], counter: Counter, ground: Ground, typed: Typed
) -> None:
    """Each command becomes the request of the same meaning."""
    job = await ground.job(1)
    number = await ground.bare.fetchval("SELECT id * 512 FROM batch")
    counter.answer = {"v": 1, "ok": True, "command": "x"}
    assert (await typed(*words.format(job=job, delivery=number).split())).code == 0
    known = {"{job}": str(job), "{delivery}": number}
    expected = {
        name: [number] if isinstance(value, list) else known.get(value, value)
        for name, value in arguments.items()
    }
    assert counter.request == {"v": 1, **expected}


async def test_tail(counter: Counter, typed: Typed, channel: AbstractChannel) -> None:
    """Events are shown as they are told, only those of the chosen types."""
    counter.events = [event("job.accepted"), event("delivery.bounced", delivery_id=1)]
    async with asyncio.TaskGroup() as group:
        tail = group.create_task(
            typed("events", "tail", "--type", "*.bounced", "--count", "2", "--json")
        )
        await _until(tail.done, counter)
    shown = [json.loads(line) for line in tail.result().out.splitlines()]
    assert [one["type"] for one in shown] == ["delivery.bounced"] * 2


async def _until(done: Callable[[], bool], counter: Counter) -> None:
    """Tells events again and again, as nobody says when the other one listens."""
    async with asyncio.timeout(20):
        while not done():
            await counter.tell()
            await asyncio.sleep(0.05)


async def test_topology(url: str, prefix: str, typed: Typed, channel: AbstractChannel) -> None:
    """What is missing is named with exit 1, made by `apply`, and then fits."""
    queue = await channel.get_queue(f"{prefix}.dead", ensure=False)
    await queue.delete(if_unused=False, if_empty=False)
    checked = await typed("topology", "check")
    assert (checked.code, checked.out) == (
        1, f"queue {prefix}.dead: is missing, should be present\n",
    )  # fmt: skip
    applied = await typed("topology", "apply", "--json")
    assert applied.document == {"created": [f"queue {prefix}.dead"], "differences": []}
    assert (await typed("topology", "check", "--quiet")).code == 0
