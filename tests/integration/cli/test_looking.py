"""Commands that only look: at jobs of any customer, by whatever name."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.integration.cli.conftest import Typed
from tests.integration.dispatch.conftest import Ground

HOUR = timedelta(hours=1)


async def _number(ground: Ground, job: UUID) -> int:
    """The number of a job's first delivery."""
    number = await ground.bare.fetchval("SELECT min(id) * 512 FROM batch WHERE job_id = $1", job)
    return int(number)


async def test_a_job_by_each_of_its_names(ground: Ground, typed: Typed) -> None:
    """Id, ticket, request id and a delivery's number all lead to the job, of whatever customer."""
    job = await ground.job(2, customer=2)
    await ground.bare.execute("UPDATE job SET request_id = 'order-1' WHERE id = $1", job)
    ticket = await ground.bare.fetchval("SELECT ticket FROM job WHERE id = $1", job)
    for name in (str(job), ticket, "order-1", str(await _number(ground, job))):
        ended = await typed("status", name, "--json")
        assert ended.code == 0
        assert ended.document["id"] == str(job)
        assert ended.document["counts"]["queued"] == 2


async def test_an_ambiguous_name(ground: Ground, typed: Typed) -> None:
    """A request id that two customers have used isn't enough, and both jobs are named."""
    jobs = [await ground.job(1, customer=customer) for customer in (1, 2)]
    await ground.bare.execute("UPDATE job SET request_id = 'r'")
    ended = await typed("status", "r")
    assert ended.code == 1
    assert all(str(job) in ended.err for job in jobs)


@pytest.mark.parametrize("command", ["status", "deliveries", "trace", "audit"])
async def test_no_such_job(command: str, typed: Typed) -> None:
    """What names nothing exits 1 with a line on standard error."""
    ended = await typed(command, "nothing")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "deliveryd: no job goes by nothing\n"


@pytest.mark.parametrize("command", [["trace"], ["cancel"], ["doubt", "resend"]])
async def test_no_such_number(command: list[str], typed: Typed) -> None:
    """A number is a delivery's, where one may be meant, and a line says that there is none."""
    ended = await typed(*command, "77")
    assert ended.code == 1
    assert ended.err == "deliveryd: no delivery has the number 77, and no job goes by 77\n"


async def test_deliveries_in_pages(ground: Ground, typed: Typed) -> None:
    """Pages follow each other without a gap, by what the last one said."""
    job = await ground.job(3)
    first = (await typed("deliveries", str(job), "--limit", "2", "--json")).document
    page = str(first["page"])
    second = (
        await typed("deliveries", str(job), "--page", page, "--limit", "2", "--json")
    ).document
    shown = [one["address"] for one in first["deliveries"] + second["deliveries"]]
    assert shown == ["p0@x.example", "p1@x.example", "p2@x.example"]
    assert second["page"] is None


async def test_deliveries_by_state(ground: Ground, typed: Typed) -> None:
    """Only the deliveries in the state that was asked for are listed."""
    job = await ground.job(3)
    await ground.bare.execute("UPDATE batch SET state = 'wsw'")
    ended = await typed("deliveries", str(job), "--state", "sent")
    assert "p1@x.example" in ended.out
    assert "p0@x.example" not in ended.out


async def test_tries_of_what_has_ended(ground: Ground, typed: Typed) -> None:
    """Finished mail says how often it was tried; a try that was never made isn't counted."""
    job = await ground.job(3)
    number = await _number(ground, job)
    await ground.bare.execute("UPDATE batch SET state = 'sew'")
    await ground.bare.execute(
        "INSERT INTO ledger"
        " (stream, seq, at, type, customer_id, job_id, delivery_id, attempt, code)"
        " VALUES (1, 1, now(), 'delivery.sent', 1, $1, $2, 2, 250),"
        " (1, 2, now(), 'delivery.expired', 1, $1, $2 + 1, 4, NULL)",
        job,
        number,
    )
    ended = await typed("deliveries", str(job), "--json")
    assert [one["tries"] for one in ended.document["deliveries"]] == [2, 3, 0]


async def test_why_it_waits(ground: Ground, typed: Typed) -> None:
    """A delivery that is scheduled is traced by its address, with its cause and its time."""
    await ground.job(1, due=HOUR)
    ended = await typed("trace", "p0@x.example", "--json")
    story = ended.document["story"]
    due = await ground.bare.fetchval("SELECT due_at FROM batch")
    assert story["state"] == "waiting"
    assert story["waits"]["for"] == "not_due"
    assert story["waits"]["until"] == due.isoformat()


async def test_a_request_that_was_refused(ground: Ground, typed: Typed) -> None:
    """The last refusal of a request is found by its name, with all that was wrong."""
    await ground.bare.execute(
        """
        INSERT INTO ledger (stream, seq, at, type, customer_id, data)
        SELECT 1, n, now() - interval '1 hour' / n, 'request.rejected', 1,
               jsonb_build_object('request_id', 'order-7', 'command', 'send', 'errors',
                   jsonb_build_array(jsonb_build_object('field', 'subject', 'code', 'param.missing',
                                                        'message', 'is wrong ' || n)))
        FROM generate_series(1, 3) n
        """
    )
    ended = await typed("trace", "order-7")
    assert "is wrong 3" in ended.out
    assert "Nothing of it was stored or sent." in ended.out
    assert (await typed("trace", "order-8")).code == 1
    assert (await typed("trace", "order-7", "--json")).document["customer"] == 1


async def test_an_address_of_which_nothing_is_known(typed: Typed) -> None:
    """Nobody's address is a no, and says what it might still be."""
    ended = await typed("trace", "nobody@x.example")
    assert ended.code == 1
    assert ended.out.startswith("no delivery in the last 7 days")
    assert "no intake has taken yet" in ended.out


async def test_the_latest_of_several(ground: Ground, typed: Typed) -> None:
    """An address with several deliveries has all of them listed, and the story of the latest."""
    await ground.job(1)
    await ground.job(1, due=HOUR)
    found = (await typed("trace", "p0@x.example", "--json")).document
    assert len(found["deliveries"]) == 2
    assert found["story"]["delivery"] == found["deliveries"][0]["id"]
    assert "The latest of them:" in (await typed("trace", "p0@x.example")).out


async def test_ready_and_claimed(ground: Ground, typed: Typed) -> None:
    """A delivery knows how many go before it, and who has claimed it."""
    job = await ground.job(1)
    before = await ground.job(4)
    await ground.bare.execute("UPDATE batch SET rank = 2 WHERE job_id = $1", job)
    await ground.bare.execute("UPDATE batch SET rank = 1 WHERE job_id = $1", before)
    number = str(await _number(ground, job))
    ready = (await typed("trace", number, "--json")).document["waits"]
    assert ready["for"] == "ready"
    assert "4 deliveries" in ready["words"][0]
    owner = await ground.instance()
    await ground.bare.execute(
        "UPDATE batch SET owner = $2, epoch = 1 WHERE job_id = $1", job, owner
    )
    assert (await typed("trace", number, "--json")).document["waits"]["for"] == "claimed"
    await ground.bare.execute("UPDATE instance SET lease_until = now() - interval '1 minute'")
    assert (await typed("trace", number, "--json")).document["waits"]["for"] == "owner_gone"


async def test_an_address_left_out(ground: Ground, typed: Typed) -> None:
    """Somebody who gets nothing hears why: dropped from a job, or suppressed by a customer."""
    job = await ground.job(0)
    await ground.bare.execute(
        "INSERT INTO dropped_recipient (job_id, position, address, reason)"
        " VALUES ($1, 0, 'Ann@Example.com', 'suppressed')",
        job,
    )
    await ground.bare.execute(
        "INSERT INTO suppression (customer_id, supp, scope, kind, source, reason)"
        " VALUES (1, 'ann@example.com', 'all', 'unsubscribe', 'link', 'had enough')"
    )
    ended = await typed("trace", "Ann@example.com")
    assert ended.code == 0
    assert f"Left out of job {job}" in ended.out
    assert "had enough" in ended.out


async def test_an_event(ground: Ground, typed: Typed) -> None:
    """An event's id leads to the delivery that it is about, and says whether it was told."""
    job = await ground.job(1)
    number = await _number(ground, job)
    await ground.bare.execute(
        "INSERT INTO stream (prefix, instance, kind, last_seq) VALUES"
        " ('d30f67d4-6502-4df1-9baa-df0000000000', gen_random_uuid(), 'test', 3)"
    )
    await ground.bare.execute(
        "INSERT INTO ledger (stream, seq, at, type, customer_id, job_id, delivery_id, attempt,"
        " step, code, text, relay)"
        " VALUES (1, 3, now(), 'delivery.deferred', 1, $1, $2, 1, 3, 451, 'later', 'h:25')",
        job,
        number,
    )
    ended = await typed("trace", "d30f67d4-6502-4df1-9baa-df0000000003", "--json")
    (fact,) = ended.document["facts"]
    assert ended.document["delivery"] == number
    assert fact["words"] == "attempt 1: deferred by h:25: 451 later"
    assert fact["is_told"] is False


async def test_a_relay_is_blamed_until_it_serves(ground: Ground, typed: Typed) -> None:
    """A job says that its relay fails as long as that is so, and no more once it took a mail."""
    job = await ground.job(1)
    number = await _number(ground, job)
    relay = await ground.bare.fetchval(
        "SELECT t.host || ':' || t.port FROM job j JOIN lane l ON l.id = j.lane_id"
        " JOIN transport t ON t.id = l.transport_id WHERE j.id = $1",
        job,
    )
    await ground.bare.execute(
        "INSERT INTO stream (prefix, instance, kind, last_seq) VALUES"
        " ('d30f67d4-6502-4df1-9baa-df0000000000', gen_random_uuid(), 'test', 2)"
    )
    told = (
        "INSERT INTO ledger (stream, seq, at, type, customer_id, job_id, delivery_id, attempt,"
        " step, relay, data) VALUES (1, $1, clock_timestamp(), $2, 1, $3, $4, 1, 3, $5, $6)"
    )
    reason = '{"reason": "connect"}'
    await ground.bare.execute(told, 1, "delivery.deferred", job, number, relay, reason)
    assert f"Its relay {relay} failed" in (await typed("job", "show", str(job))).out
    await ground.bare.execute(told, 2, "delivery.sent", job, number, relay, None)
    assert "Its relay" not in (await typed("job", "show", str(job))).out


async def test_frames_before_their_send(ground: Ground, typed: Typed) -> None:
    """A request id of which only a frame has come is told, instead of that there is no such job."""
    await ground.bare.execute(
        "INSERT INTO frame (customer_id, request_id, part, body_hash, body, expires_at)"
        " VALUES (1, 'order-1', 2, '', '', now() + interval '10 minutes')"
    )
    ended = await typed("trace", "order-1")
    assert (ended.code, "frames 2 came before it" in ended.out) == (0, True)


async def test_a_job_as_a_whole(ground: Ground, typed: Typed) -> None:
    """A job's trace says what its open deliveries wait for, a group at a time."""
    job = await ground.job(3, due=HOUR)
    ended = await typed("trace", str(job))
    assert "3 deliveries waiting, due" in ended.out


async def test_doubts(ground: Ground, typed: Typed) -> None:
    """Every customer's open doubts are listed by job, in lines that fit a terminal.

    Where nobody could say which relay it was, it is the one that the mail goes by.
    """
    job = await ground.job(2)
    number = await _number(ground, job)
    await ground.bare.execute("UPDATE batch SET state = 'qw'")
    await ground.bare.execute(
        "INSERT INTO doubt (delivery_id, job_id, customer_id, attempt, reason, since)"
        " VALUES ($1, $2, 1, 1, 'dropped', now())",
        number,
        job,
    )
    ended = await typed("doubt", "list", "--json")
    (one,) = ended.document["doubts"]
    assert (one["delivery_id"], one["relay"]) == (number, "h:25")
    shown = (await typed("doubt", "list")).out
    assert shown.startswith(f"job {job}\n")
    assert max(map(len, shown.splitlines())) <= 80
    assert (await typed("trace", str(number), "--json")).document["waits"]["for"] == "decision"


async def test_instances(ground: Ground, typed: Typed) -> None:
    """Whoever is alive is listed with what it has in hand; nobody alive exits 1."""
    assert (await typed("instances")).code == 1
    owner = await ground.instance()
    await ground.job(1)
    await ground.bare.execute("UPDATE batch SET owner = $1, epoch = 1", owner)
    ended = await typed("instances", "--json")
    (one,) = ended.document["instances"]
    assert (ended.code, one["id"], one["batches"]) == (0, str(owner), 1)


async def test_migrated_already(typed: Typed) -> None:
    """A database at the last step has nothing missing, and migrating it again changes nothing."""
    assert (await typed("migrate", "--status")).code == 0
    assert (await typed("migrate", "--json")).document == {"applied": [], "missing": []}


async def test_nobody_there(typed: Typed) -> None:
    """A database that can't be reached is one line and exit 69."""
    ended = await typed("status", "x", "--set", "postgres.dsn=postgresql://127.0.0.1:1/x")
    assert ended.code == 69
    assert ended.err.startswith("deliveryd: Postgres: 127.0.0.1:1/x: ")
    assert ended.err.count("\n") == 1
