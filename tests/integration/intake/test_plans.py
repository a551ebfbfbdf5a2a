"""Plans: what they don't allow is refused by name, at once or until the period is over."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from daemon.directory.principals import Principal
from daemon.intake import carry, plans
from daemon.intake.writers import Writers
from daemon.ledger.writer import Writer
from daemon.mail.refusal import Code, Refused, refused
from daemon.mail.request import answers
from daemon.mail.request.decode import Decoded
from daemon.store import directory
from tests.integration import till
from tests.integration.intake.counter import ANN, Counter, Document, Heard, close, extend, send

FIVE = [f"p{number}@x.test" for number in range(5)]
MINSK = ZoneInfo("Europe/Minsk")


@pytest.fixture
async def bare(counter: Counter, dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Ann has a plan, and lives in Minsk."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("INSERT INTO rate_plan (customer_id, name) VALUES (1, 'p')")
    await connection.execute(
        "UPDATE customer SET plan_id = (SELECT id FROM rate_plan), timezone = 'Europe/Minsk'"
        " WHERE id = 1"
    )
    yield connection
    await connection.close()


async def planned(bare: asyncpg.Connection, **limits: int) -> None:
    """What the plan limits: `requests_per_minute=3`."""
    for name, most in limits.items():
        await bare.execute(f"UPDATE rate_plan SET max_{name} = $1", most)


async def put(counter: Counter, document: Document) -> Document:
    """Ann asks, with the plan that she has now; what is answered."""
    ann = await directory.customer(counter.means.store, ANN)
    ask = replace(counter.read(document), customer=ann)
    verdict = await carry.alone(counter.means, ask, datetime.now(UTC))
    if verdict.repeated is not None:
        return json.loads(verdict.repeated)
    assert verdict.answer is not None
    return json.loads(answers.render(verdict.answer))


def _code(answer: Document) -> str:
    return answer["errors"][0]["code"] if "errors" in answer else "ok"


async def usage(bare: asyncpg.Connection) -> dict[str, tuple[int, int]]:
    """Requests and recipients by period."""
    rows = await bare.fetch("SELECT period, requests, recipients FROM plan_usage")
    return {row["period"]: (row["requests"], row["recipients"]) for row in rows}


async def test_recipients_of_a_request(counter: Counter, bare: asyncpg.Connection) -> None:
    """All who are asked for count, those too who are dropped; nothing of a refused one stays."""
    await planned(bare, recipients_per_request=4)
    assert _code(await put(counter, send(*FIVE[:3], "nobody"))) == "ok"
    answer = await put(counter, send(*FIVE[:4], "nobody", request_id="r"))
    assert answer["errors"] == [
        {
            "code": "forbidden.plan",
            "field": "",
            "message": "the plan allows 4 recipients in a job",
        }
    ]
    assert [told["errors"] for told in counter.heard.of("request.rejected")] == [answer["errors"]]
    assert await bare.fetchval("SELECT count(*) FROM job") == 1
    assert await bare.fetchval("SELECT count(*) FROM delivery") == 3
    assert _code(await put(counter, send(*FIVE[:4], request_id="r"))) == "ok"
    assert await usage(bare) == {}


async def test_frames_add_up(counter: Counter, bare: asyncpg.Connection) -> None:
    """A job in frames may be as large as one without; a refused frame is not in."""
    await planned(bare, recipients_per_request=3, requests_per_minute=1, recipients_per_day=3)
    assert _code(await put(counter, send(FIVE[0], request_id="j", open=True))) == "ok"
    assert _code(await put(counter, extend("j", 1, *FIVE[1:4]))) == "forbidden.plan"
    assert _code(await put(counter, extend("j", 1, *FIVE[1:3]))) == "ok"
    assert await usage(bare) == {"minute": (1, 3), "day": (1, 3)}
    assert _code(await put(counter, close("j", 1))) == "ok"


async def test_requests_of_a_minute(counter: Counter, bare: asyncpg.Connection) -> None:
    """So many are accepted, however many ask at once, a repeat besides; then it begins anew."""
    await planned(bare, requests_per_minute=7)
    # one that somebody with a later clock has begun: it lasts for the whole test
    await bare.execute(
        "INSERT INTO plan_usage (customer_id, period, begins, ends)"
        " VALUES (1, 'minute', now() + interval '1 hour', now() + interval '1 hour')"
    )
    heard = Heard()
    writers = [
        Writer(counter.means.store, heard, instance=uuid.uuid4(), kind="accept") for _ in range(6)
    ]
    racing = Counter(means=replace(counter.means, writers=Writers(writers)), heard=heard)
    async with asyncio.TaskGroup() as group:
        asked = [
            group.create_task(put(racing, send(request_id=f"r{number}"))) for number in range(20)
        ]
    codes = [_code(one.result()) for one in asked]
    assert (codes.count("ok"), codes.count("rate.limited")) == (7, 13)
    accepted = codes.index("ok")
    assert _code(await put(counter, send(request_id=f"r{accepted}"))) == "ok"
    assert await usage(bare) == {"minute": (7, 7)}
    await bare.execute("UPDATE plan_usage SET begins = begins - interval '2 hours'")
    assert _code(await put(counter, send())) == "ok"
    assert (await usage(bare))["minute"][0] == 1


@pytest.mark.parametrize("period", ["day", "month"])
async def test_recipients_of_a_period(
    counter: Counter, bare: asyncpg.Connection, period: str
) -> None:
    """By the calendar of the customer's zone; who comes again is told when that may be."""
    await planned(bare, **{f"recipients_per_{period}": 7})
    assert _code(await put(counter, send(*FIVE, "nobody"))) == "ok"
    answer = await put(counter, send(*FIVE[:3]))
    assert _code(answer) == "rate.limited"
    row = await bare.fetchrow("SELECT begins, ends FROM plan_usage")
    begins, ends = (row[name].astimezone(MINSK) for name in ("begins", "ends"))
    assert (begins.hour, begins.minute, ends.hour) == (0, 0, 0)
    assert begins <= datetime.now(UTC) < ends
    assert (
        (ends - begins == timedelta(days=1))
        if period == "day"
        else (begins.day, ends.day) == (1, 1)
    )
    assert (
        f"2 more until {ends.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" in answer["errors"][0]["message"]
    )
    assert _code(await put(counter, send(*FIVE[:2]))) == "ok"
    assert _code(await put(counter, send(*FIVE, *(f"q{n}@x.test" for n in range(3))))) == (
        "forbidden.plan"
    )
    step = f"interval '1 {period}'"
    await bare.execute(f"UPDATE plan_usage SET begins = begins - {step}, ends = ends - {step}")
    assert _code(await put(counter, send(*FIVE))) == "ok"
    assert await usage(bare) == {period: (1, 5)}


async def test_only_what_is_stored_counts(counter: Counter, bare: asyncpg.Connection) -> None:
    """Neither a dry run nor what the credit doesn't cover takes anything from those behind it."""
    await planned(bare, recipients_per_day=5, requests_per_minute=2)
    plan = await bare.fetchval("SELECT id FROM rate_plan")
    await till.fund(bare, "2", price="1")
    await bare.execute("UPDATE rate_plan SET bill_type = 'prepaid', price_per_email = 1")
    await bare.execute("UPDATE customer SET plan_id = $1 WHERE id = 1", plan)
    assert _code(await put(counter, send(*FIVE[:2], dry_run=True))) == "ok"
    ann = await directory.customer(counter.means.store, ANN)
    group = [
        replace(counter.read(send(*FIVE[:size], request_id=f"r{size}")), customer=ann)
        for size in (5, 2)
    ]
    verdicts = await carry.group(counter.means, group)
    assert [verdict.result for verdict in verdicts] == ["refused", "accepted"]
    assert await usage(bare) == {"day": (1, 2), "minute": (1, 2)}


@pytest.mark.parametrize("is_allowed", [True, False])
async def test_features(counter: Counter, bare: asyncpg.Connection, *, is_allowed: bool) -> None:
    """A plan that doesn't allow sending is said before anything about the content."""
    await _allowed(bare, "send_emails", is_allowed)
    unfit = replace(refused(Code.PARAM_MISSING, "is required", field="messages"), command="send")
    frame = counter.read(extend("j", 1, "a@x")).decoded
    for found in (counter.read(send()).decoded, unfit, frame):
        assert await _forbidden(counter, found) == (None if is_allowed else "forbidden.plan")
    assert await _forbidden(counter, counter.read(close("j", 1)).decoded) is None


@pytest.mark.parametrize("is_allowed", [True, False])
async def test_acting(counter: Counter, bare: asyncpg.Connection, *, is_allowed: bool) -> None:
    """A plan may allow sending, and not acting for customers below."""
    await _allowed(bare, "act_for_subcustomers", is_allowed)
    below = [{"type": "people", "scope": "descendants"}]
    assert await _forbidden(counter, counter.read(send()).decoded) is None
    for found in (send(act_as_customer=7), send(audience=below)):
        said = await _forbidden(counter, counter.read(found).decoded)
        assert said == (None if is_allowed else "forbidden.plan")


async def _allowed(bare: asyncpg.Connection, privilege: str, is_allowed: bool) -> None:
    await bare.execute(
        "INSERT INTO plan_privilege SELECT id, $1, $2 FROM rate_plan", privilege, is_allowed
    )


async def _forbidden(counter: Counter, found: Decoded | Refused) -> str | None:
    """What Ann's plan says to a request, as a code."""
    ann = await directory.customer(counter.means.store, ANN)
    assert ann
    said = plans.forbidden(found, Principal(customer=ann))
    return said and said.faults[0].code


async def test_without_a_plan_all_is_allowed(counter: Counter) -> None:
    """As it was before there were plans."""
    ann = await directory.customer(counter.means.store, ANN)
    assert ann
    assert (bool(ann.limits), ann.denied) == (False, frozenset())
