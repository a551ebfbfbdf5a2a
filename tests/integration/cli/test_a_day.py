"""A day of whoever runs the system: every command before a real daemon, as a process."""

import asyncio
import sys
from typing import Any

from tests.stories import servers
from tests.stories.conftest import house, shared_servers  # noqa: F401 - fixtures
from tests.stories.house import House

FLAGS = ("--from", "me@sender.test", "--subject", "Hello", "--text", "It works.")


async def _until(house: House, state: str, *words: str) -> Any:  # noqa: F811 - the fixture's type
    """What a trace says once its delivery is in a state; there is no signal for it."""
    async with asyncio.timeout(20):
        while True:
            _, found = await house.typed("trace", *words)
            told = found.get("story", found)
            if told["state"] == state:
                return told
            await asyncio.sleep(0.1)


async def test_sent_and_followed(house: House) -> None:  # noqa: F811
    """`send --wait` ends with the job: 0 when all were sent, 1 when somebody wasn't."""
    await house.start()
    code, answer = await house.typed("send", "--to", "ann@there.test", *FLAGS, "--wait")
    assert (code, answer["counts"]["sent"]) == (0, 1)
    to = ("--to", "ann@there.test", "--to", "rcpt-550+bob@there.test")
    code, answer = await house.typed("send", *to, *FLAGS, "--wait", "--request-id", "two")
    assert (code, answer["counts"]["bounced"]) == (1, 1)
    code, again = await house.typed("send", *to, *FLAGS, "--wait", "--request-id", "two")
    assert (code, again) == (1, answer | {"repeated": True})
    code, audit = await house.typed("audit")
    assert (code, audit["balanced"]) == (0, True)


async def test_greylisted_and_traced(house: House) -> None:  # noqa: F811
    """A deferred delivery says what was said and when it is next tried; then that it was sent."""
    await house.start(retry__first="6s", retry__cap="6s")
    _, answer = await house.typed("send", "--to", "greylist-1+ann@there.test", *FLAGS)
    told = await _until(house, "deferred", "greylist-1+ann@there.test")
    assert told["waits"]["for"] in ("not_due", "due", "ready", "claimed")
    assert "451 4.7.1" in told["facts"][-1]["words"]
    told = await _until(house, "sent", str(answer["delivery"]))
    assert told["tries"] == 2
    assert "in the clear, in " in told["facts"][-2]["words"]
    assert [fact["type"] for fact in told["facts"]] == [
        "job.accepted",
        "delivery.deferred",
        "delivery.sent",
        "job.completed",
    ]


async def test_paused_moved_and_taken_back(house: House) -> None:  # noqa: F811
    """A job is paused, resumed, put off and taken back by name; each answer says what was done."""
    await house.start()
    key = ("--request-id", "order-1")
    await house.typed("send", "--to", "ann@there.test", *FLAGS, "--at", "+1h", *key)
    assert (await house.typed("pause", "order-1"))[1]["paused"] is True
    assert (await house.typed("trace", "ann@there.test"))[1]["story"]["waits"]["for"] == "paused"
    assert (await house.typed("resume", "order-1"))[1]["paused"] is False
    code, moved = await house.typed("reschedule", "order-1", "--at", "+2h")
    assert (code, moved["ok"]) == (0, True)
    assert (await house.typed("cancel", "order-1"))[1]["canceled"] == 1
    code, again = await house.typed("cancel", "order-1")
    assert (code, again["canceled"], again["unchanged"]) == (0, 1, True)
    code, refused = await house.typed("resume", "order-1")
    assert (code, refused["errors"][0]["code"]) == (1, "state.conflict")
    code, replayed = await house.typed("events", "replay", "--job", "order-1")
    assert (code, replayed["events"]) == (0, 6)


async def test_a_pause_is_named(house: House) -> None:  # noqa: F811
    """`send --wait` and `trace` of a job say that its customer is paused, and what ends that."""
    await house.start()
    await house.typed("pause", "--customer", "1")
    words = ("send", "--to", "ann@there.test", *FLAGS, "--wait", "--config")
    waiting = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "daemon", *words, str(house.folder / "story.toml")),
        cwd=servers.TOP,
        env=servers.environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    assert waiting.stdout is not None
    async with asyncio.timeout(90):
        accepted = (await waiting.stdout.readline()).decode()
        while b"deliveryd resume --customer 1" not in await waiting.stdout.readline():
            assert waiting.returncode is None
        job = accepted.partition("job ")[2].partition(",")[0]
        _, traced = await house.typed("trace", job)
        assert "deliveryd resume --customer 1" in " ".join(traced["words"])
        await house.typed("resume", "--customer", "1")
        assert await waiting.wait() == 0


async def test_doubt_decided(house: House) -> None:  # noqa: F811
    """A doubt that is held is listed, waits for a person, and ends with his decision."""
    await house.start()
    house.sections["doubt"] = {"transactional": "hold"}
    await house.daemons[0].stop()
    await house.start()
    to = "discard-after-dot-once+ann@there.test"
    _, answer = await house.typed("send", "--to", to, *FLAGS)
    told = await _until(house, "in_doubt", str(answer["delivery"]))
    assert told["waits"]["for"] == "decision"
    _, listed = await house.typed("doubt", "list")
    assert [one["address"] for one in listed["doubts"]] == [to]
    code, _ = await house.typed("doubt", "resend", str(answer["delivery"]))
    assert code == 0
    code, again = await house.typed("doubt", "resend", str(answer["delivery"]))
    assert (code, again["resend"], again["unchanged"]) == (0, 0, True)
    await _until(house, "sent", str(answer["delivery"]))
    assert (await house.typed("audit"))[0] == 0


async def test_instances(house: House) -> None:  # noqa: F811
    """Whoever runs is listed alive, and gone once it has stopped."""
    daemon = await house.start()
    code, listed = await house.typed("instances")
    assert (code, [one["alive"] for one in listed["instances"]]) == (0, [True])
    await daemon.stop()
    assert (await house.typed("instances"))[0] == 1


async def test_the_directory_is_kept(house: House) -> None:  # noqa: F811
    """Rows are put, shown and let go; who was suppressed gets nothing, and is lifted again."""
    await house.start()
    own = ("--customer", "1")
    person = ("username=ann", "addresses=ann@there.test b@there.test", "no_mailing=true")
    code, made = await house.typed("directory", "put", "person", *person, *own)
    assert (code, made["row"]["addresses"]) == (0, ["ann@there.test", "b@there.test"])
    number = str(made["id"])
    changed = await house.typed("directory", "put", "person", f"id={number}", "no_mailing=false")
    assert changed[1]["row"]["no_mailing"] is False
    code, refused = await house.typed("directory", "put", "person", "timezone=Moon", *own)
    assert (code, refused["errors"][0]["code"]) == (65, "param.invalid")
    listed = (await house.typed("directory", "list", "person", *own))[1]["rows"]
    assert [one["username"] for one in listed] == ["ann"]
    everybody = (await house.typed("directory", "list", "person"))[1]["rows"]
    assert listed[0] in everybody
    assert (await house.typed("directory", "list", "person", "--customer", "0"))[1]["rows"] == []
    assert (await house.typed("directory", "delete", "person", number))[0] == 0
    assert (await house.typed("directory", "get", "person", number))[1]["deleted_at"]
    _, noted = await house.typed("suppression", "add", "ann@there.test", *own, "--reason", "asked")
    _, sent = await house.typed("send", "--to", "ann@there.test", *FLAGS)
    assert sent["counts"]["suppressed"] == 1
    shown = (await house.typed("suppression", "list", "--address", "Ann@There.test"))[1]
    assert [one["reason"] for one in shown["suppressions"]] == ["asked"]
    lift = ("suppression", "lift", str(noted["suppression"]))
    assert [(await house.typed(*lift))[1].get("unchanged") for _ in range(2)] == [None, True]
