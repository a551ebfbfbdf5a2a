"""Commands that show how things go: `top`, `queue shape`, `job list`, `job show`."""

import asyncio
from datetime import timedelta

from tests.integration.cli.conftest import Typed
from tests.integration.dispatch.conftest import Ground

HOUR = timedelta(hours=1)
_STREAM = (
    "INSERT INTO stream (prefix, instance, kind, last_seq)"
    " VALUES (gen_random_uuid(), gen_random_uuid(), 'settle', $1) RETURNING number"
)
_EVENT = (
    "INSERT INTO ledger (stream, seq, at, type, customer_id, job_id, delivery_id, attempt, code,"
    " text) VALUES ($1, $2, now(), $3, 1, $4, 512, 1, 451, 'later')"
)


async def test_top(ground: Ground, typed: Typed) -> None:
    """One look tells what happened in its second, what waits since when, and what went wrong."""
    job = await ground.job(3)
    await ground.bare.execute("UPDATE batch SET rank = 1, due_at = now() - interval '1 minute'")
    owner = await ground.instance()
    await ground.job(2)
    await ground.bare.execute(
        "UPDATE batch SET owner = $1, epoch = 1, state = 'uw' WHERE rank IS NULL", owner
    )
    number = await ground.bare.fetchval(_STREAM, 1)
    await ground.bare.execute(_EVENT, number, 1, "delivery.deferred", job)
    seen = (await typed("top", "--once", "--json")).document
    [waiting] = seen["classes"]
    assert (waiting["waiting"], waiting["is_more"]) == (3, False)
    lane = next(one for one in seen["lanes"] if one["id"] == ground.lanes[1])
    assert (lane["ready"], lane["claimed"], lane["flying"], lane["why"]) == (3, 2, 1, "flowing")
    assert (seen["in_flight"], seen["untold"], len(seen["instances"])) == (1, 1, 1)
    [trouble] = seen["troubles"]
    assert (trouble["code"], trouble["job_id"]) == (451, str(job))
    assert (await typed("top", "--every", "0")).code == 2


async def test_troubles_of_who_has_stopped(ground: Ground, typed: Typed) -> None:
    """What went wrong just before an instance stopped is still shown, and what is old is not."""
    job = await ground.job(1)
    for minutes in (1, 30):
        number = await ground.bare.fetchval(_STREAM, 1)
        await ground.bare.execute(_EVENT, number, 1, "delivery.deferred", job)
        await ground.bare.execute(
            "UPDATE stream SET closed = true, last_at = now() - make_interval(mins => $2)"
            " WHERE number = $1",
            number, minutes,
        )  # fmt: skip
    seen = (await typed("top", "--once", "--json")).document
    assert [one["job_id"] for one in seen["troubles"]] == [str(job)]


async def test_what_happens_meanwhile_is_counted(ground: Ground, typed: Typed) -> None:
    """Rates are of the events that were appended between two looks."""
    job = await ground.job(1)
    number = await ground.bare.fetchval(_STREAM, 0)

    async def append() -> None:
        for seq in range(1, 401):
            async with ground.bare.transaction():
                await ground.bare.execute(_EVENT, number, seq, "delivery.sent", job)
                await ground.bare.execute(
                    "UPDATE stream SET last_seq = $2 WHERE number = $1", number, seq
                )
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        appending = group.create_task(append(), name="append")
        seen = (await typed("top", "--once", "--json")).document
        appending.cancel()
    appended = await ground.bare.fetchval("SELECT last_seq FROM stream WHERE number = $1", number)
    counted = round(seen["per_second"]["sent"] * seen["seconds"])
    assert 0 < counted <= appended


async def test_the_shape_of_the_queue(ground: Ground, typed: Typed) -> None:
    """What waits is counted by domain and age, deferred or not; what is done isn't there."""
    job = await ground.job(3)
    await ground.job(2, due=HOUR, customer=2)
    # one is due, one deferred, one sent: and all of it could have left an hour ago
    await ground.bare.execute("UPDATE batch SET state = 'wds' WHERE job_id = $1", job)
    await ground.bare.execute(
        "INSERT INTO retry"
        " (batch_id, position, job_id, job_on, customer_id, lane_id, class, due_at, attempt)"
        " SELECT id, 1, job_id, job_on, customer_id, lane_id, class, now(), 1 FROM batch"
        " WHERE job_id = $1",
        job,
    )
    await ground.bare.execute(
        "UPDATE job SET not_before = now() + (CASE id WHEN $1 THEN -1 ELSE 1 END) * interval '1 h'",
        job,
    )
    shape = (await typed("queue", "shape", "--json")).document
    assert (shape["total"]["total"], shape["total"]["later"], shape["total"]["80"]) == (4, 2, 2)
    deferred = (await typed("queue", "shape", "--deferred", "--json")).document
    assert (deferred["total"]["total"], deferred["total"]["80"]) == (1, 1)
    other = (await typed("queue", "shape", "--customer", "2", "--json")).document
    assert other["domains"] == [{"domain": "x.example", **other["total"]}]
    one = (await typed("queue", "shape", "--limit", "0", "--json")).document
    assert (one["domains"], one["total"]) == ([], shape["total"])


async def test_jobs_in_pages(ground: Ground, typed: Typed) -> None:
    """Jobs that haven't ended come first to last, newest first, of all customers or of one."""
    jobs = sorted([str(await ground.job(1, customer=1 + n % 2)) for n in range(3)], reverse=True)
    first = (await typed("job", "list", "--limit", "2", "--json")).document
    rest = await typed("job", "list", "--page", first["page"], "--json")
    assert [one["id"] for one in first["jobs"] + rest.document["jobs"]] == jobs
    [mine] = (await typed("job", "list", "--customer", "2", "--json")).document["jobs"]
    assert (mine["customer"], mine["remaining"]) == (2, 1)
    await ground.bare.execute("UPDATE job SET finished_at = now()")
    assert (await typed("job", "list", "--json")).document["jobs"] == []
    ended = (await typed("job", "list", "--all", "--json")).document["jobs"]
    assert [one["id"] for one in ended] == jobs


async def test_how_far_a_job_is(ground: Ground, typed: Typed) -> None:
    """A job is shown with what has ended of it, what holds it, and when it may be over."""
    job = await ground.job(4)
    await ground.bare.execute("UPDATE batch SET state = 'ssww'")
    await ground.bare.execute("UPDATE job SET sent = 2")
    seen = (await typed("job", "show", str(job), "--json")).document
    assert (seen["progress"], seen["counts"]["sent"], seen["ends_at"]) == (0.5, 2, None)
    assert seen["estimate"].startswith("No end can be told. No instance is alive")
    said = await typed("job", "show", str(job))
    assert "####................" in said.out


async def test_watched_to_its_end(ground: Ground, typed: Typed) -> None:
    """`--watch` goes on until the job has ended, and exits 0 only if all were sent."""
    job = await ground.job(2)

    async def end() -> None:
        await asyncio.sleep(0.5)
        await ground.bare.execute("UPDATE job SET sent = 1, bounced = 1, finished_at = now()")

    async with asyncio.TaskGroup() as group:
        group.create_task(end(), name="end")
        ended = await typed("job", "show", str(job), "--watch", "--every", "0.1", "--json")
    assert ended.code == 1
    assert '"progress":1.0' in ended.out.splitlines()[-1]
    await ground.bare.execute("UPDATE job SET sent = 2, bounced = 0")
    assert (await typed("job", "show", str(job), "--watch", "--quiet")).code == 0


async def test_settings(typed: Typed) -> None:
    """`config show` tells what each setting comes to, and on demand where that was said."""
    shown = await typed("config", "show", "--non-default", "--json", "--set", "doubt.after=1d")
    settings = {one["key"]: one for one in shown.document["settings"]}
    assert settings["doubt.after"] == {
        "key": "doubt.after",
        "value": "1d",
        "origin": "command line",
    }
    assert settings["postgres.dsn"]["value"] == "***"
    assert "instance.lease" not in settings
    everything = await typed("config", "show", "--origin")
    assert "instance.lease" in everything.out
    assert "default" in everything.out
