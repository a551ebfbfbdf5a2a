"""What is sent, when, and what it costs: the cases of the requirements (3.2-3.5) natively."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.stories import asks
from tests.stories.acme import faults, letter, of, reached, refused, send
from tests.stories.house import ONE_LOOP, House
from tests.waiting import until

pytestmark = ONE_LOOP

P1 = of(1)
_ACCOUNT = "SELECT balance, reserved FROM credit_account WHERE customer_id = 7"


async def _balance(house: House) -> Decimal:
    """What is in the account, once nothing of it is set aside."""

    async def is_settled() -> bool:
        [row] = await house.rows(_ACCOUNT)
        return row["reserved"] == 0

    await until(is_settled)
    [row] = await house.rows(_ACCOUNT)
    return Decimal(row["balance"])


async def test_t037(furnished: House) -> None:
    """T037: five good contacts cost 5.00502839 and leave 50.75, exactly; charged once."""
    code, entered = await furnished.typed("credit", "topup", "7", "55.75502839")
    assert (code, entered["balance"]) == (0, "55.75502839")
    people = [f"t037-{number}@cust.example" for number in range(5)]
    asked = await reached(furnished, send(1, *people), *people)
    assert (asked.done["cost"], asked.done["residual"]) == ("5.00502839", "50.75")
    assert asked.done["ticket"].startswith("email_")
    assert await _balance(furnished) == Decimal("50.75")
    _, stated = await furnished.typed("credit", "statement", "7")
    assert [(line["kind"], line["amount"]) for line in stated["lines"]] == [
        ("topup", "55.75502839"), ("reserve", "5.00502839"), ("charge", "5.00502839"),
    ]  # fmt: skip


async def test_t038(furnished: House) -> None:
    """T038: by phone only one gets nothing and costs nothing; three spellings are one."""
    items = [{"address": f"t038-{number}@cust.example"} for number in range(3)]
    items += [{"address": None, "vars": {"phone_number": f"+37529{number}"}} for number in range(2)]
    both = {"address": "t038-both@cust.example", "vars": {"phone_number": "+375291"}}
    term = {"type": "recipients", "items": [*items, both]}
    mail = letter(subject="Call {{ phone_number }}", text="Hello")
    asked = await furnished.producer.ask(send(1, term, **mail))
    assert (asked.done["counts"]["queued"], asked.done["counts"]["no_address"]) == (4, 2)
    assert asked.done["cost"] == "4.00402271"
    await furnished.events.completed(asked.job)
    [copy] = furnished.sink.copies_to("t038-both")
    assert copy.subject == "Call +375291"
    same = [f"t038-same@{domain}" for domain in ("cust.example", "Cust.example", "CUST.EXAMPLE")]
    asked = await furnished.producer.ask(send(1, *same))
    assert (asked.done["counts"]["queued"], asked.done["cost"]) == (1, "1.00100568")
    await furnished.events.completed(asked.job)


async def test_t039(furnished: House) -> None:
    """T039: whom nobody can write to costs nothing; an audience of no terms is a fault."""
    before = await _balance(furnished)
    nobody = {"type": "recipients", "items": [{"address": None}, {"address": "foo"}]}
    asked = await furnished.producer.ask(send(1, nobody))
    assert (asked.done["counts"]["queued"], asked.done.get("cost")) == (0, None)
    await furnished.events.completed(asked.job)
    [[fault]] = await refused(furnished, send(1))
    assert fault[1] == "audience"
    assert await _balance(furnished) == before


async def test_t045(furnished: House) -> None:
    """T045: of mona, who is unsubscribed, and john, marketing reaches and charges one."""
    both = {"type": "contacts", "ids": [1004, 5380718]}
    body = send(1, both, purpose="marketing")
    asked = await reached(furnished, body, "john@cust.example", suppressed=1)
    assert asked.done["cost"] == "1.00100568"


async def test_t096(furnished: House) -> None:
    """T096: before it is due all comes back; twice is the same; another's is not there."""
    before = await _balance(furnished)
    delivery = {"not_before": asks.later(3600)}
    asked = await furnished.producer.ask(send(1, "t096@cust.example", delivery=delivery))
    ask = furnished.producer.ask
    cancel = asks.command("cancel", job=asked.job)
    foreign = await ask(cancel | {"principal": {"customer_id": 71}})
    unknown = await ask(cancel | {"principal": P1, "job": "01a21800-4d0c-7cfb-9556-97c27b4c4c5b"})
    assert faults(foreign) == faults(unknown) == [("not_found", "job")]
    first = await ask(cancel | {"principal": P1})
    assert (first.done["canceled"], first.done["refund"]) == (1, "1.00100568")
    again = await ask(cancel | {"principal": P1})
    assert (again.done["unchanged"], again.done["refund"]) == (True, "1.00100568")
    await furnished.events.completed(asked.job)
    assert await _balance(furnished) == before
    over = asks.command("cancel", job=str(await _finished(furnished)), principal=P1)
    assert faults(await ask(over)) == [("state.conflict", "job")]


async def _finished(house: House) -> object:
    [row] = await house.rows("SELECT id FROM job WHERE state = 'completed' LIMIT 1")
    return row["id"]


async def test_t010(furnished: House) -> None:
    """T010: those whom a parcel names get their mails, each in its place."""
    people = [f"{word}@x.example" for word in ("d", "b", "c", "a")]
    asked = await reached(furnished, send(1, *people), *people)
    listed = await furnished.producer.ask(asks.command("deliveries", job=asked.job, principal=P1))
    assert [one["address"] for one in listed.done["deliveries"]] == people


async def test_t022(furnished: House) -> None:
    """T022, T064: each gets his own subject and text, and nobody else's address in its octets."""
    items = [
        {"address": f"t022-{word}@x.example", "override": {"subject": word, "text": f"only {word}"}}
        for word in ("one", "two", "three")
    ]
    asked = await furnished.producer.ask(send(1, {"type": "recipients", "items": items}))
    await furnished.events.completed(asked.job)
    for word in ("one", "two", "three"):
        [mail] = furnished.sink.mails_to(f"t022-{word}")
        assert (mail["To"], mail["Cc"], mail["Bcc"]) == (f"t022-{word}@x.example", None, None)
        assert (mail["Subject"], mail.get_content().strip()) == (word, f"only {word}")
        whole = mail.as_string()
        assert not any(f"{other}@x" in whole for other in ("one", "two", "three") if other != word)


async def test_t049(furnished: House) -> None:
    """T049: what is null or absent is empty; in HTML a value is text, not markup."""
    items = [
        {"address": f"t049-{number}@x.example", "vars": given}
        for number, given in enumerate(({"param1": None}, {}, {"param1": "<b>&"}))
    ]
    mail = letter(text="-{{ param1 }}-", html="<p>-{{ param1 }}-</p>")
    body = send(1, {"type": "recipients", "items": items}, **mail)
    await furnished.events.completed((await furnished.producer.ask(body)).job)
    for number, (text, html) in enumerate((("", ""), ("", ""), ("<b>&", "&lt;b&gt;&amp;"))):
        [got] = furnished.sink.mails_to(f"t049-{number}")
        assert f"-{text}-" in got.get_body(("plain",)).get_content()
        assert f"<p>-{html}-</p>" in got.get_body(("html",)).get_content()


async def test_t066(furnished: House) -> None:
    """T066: one address twice with different texts gets both; the same twice only one."""
    items = [{"address": "t066@x.example", "override": {"text": text}} for text in "abb"]
    asked = await furnished.producer.ask(send(1, {"type": "recipients", "items": items}))
    counts = asked.done["counts"]
    assert (counts["queued"], counts["duplicate"]) == (2, 1)
    await furnished.events.completed(asked.job)


async def test_t063(furnished: House) -> None:
    """T063: one that is none and one twice are dropped and listed, the rest gets it."""
    people = ["t063-a@x.example", "t063-b@x.example"]
    term = {"type": "recipients", "items": [{"address": "foo@"}, {"address": people[0]}]}
    asked = await furnished.producer.ask(send(1, *people, term))
    counts = asked.done["counts"]
    assert (counts["queued"], counts["invalid"], counts["duplicate"]) == (2, 1, 1)
    await furnished.events.completed(asked.job)
    listed = await furnished.producer.ask(
        asks.command("deliveries", job=asked.job, dropped=True, principal=P1)
    )
    assert {one["address"]: one["reason"] for one in listed.done["dropped"]} == {
        "foo@": "invalid",
        people[0]: "duplicate",
    }


async def test_t068(furnished: House) -> None:
    """T068: whom the server refuses is undelivered, in its words, in both ways to ask."""
    asked = await furnished.producer.ask(send(1, "rcpt-550-5.1.1+t068@x.example"))
    await furnished.events.completed(asked.job)
    ask = furnished.producer.ask
    status = await ask(asks.command("status", job=asked.job, principal=P1))
    assert status.done["counts"]["bounced"] == 1
    listed = await ask(asks.command("deliveries", job=asked.job, principal=P1))
    [one] = listed.done["deliveries"]
    assert one["state"] == "bounced"


async def test_t069(furnished: House) -> None:
    """T069, T072: from everything, of one list, again, and whom nobody knows; late or early."""
    ask = furnished.producer.ask
    m1 = asks.command("suppressions.add", address="M1@list.example", list=5, principal=of(None, 7),
                      kind="unsubscribe")  # fmt: skip
    for _ in range(2):
        assert (await ask(m1)).request.is_positive
    assert faults(await ask(m1 | {"list": 8})) == faults(await ask(m1 | {"list": 99}))
    nobody = asks.command("unsubscribe", address="nobody@x.example", principal=P1)
    for _ in range(2):
        assert (await ask(nobody)).request.is_positive
    five = {"type": "list", "id": 5}
    await reached(furnished, send(1, five, purpose="marketing"), "m5@list.example",
                  suppressed=4, no_address=1, invalid=1)  # fmt: skip
    await reached(furnished, send(1, {"type": "list", "id": 6}, purpose="marketing"),
                  "m1@list.example", "m2@list.example")  # fmt: skip
    later = asks.send(["nobody@x.example"], principal=P1, purpose="marketing")
    assert (await ask(later)).done["counts"]["suppressed"] == 1


async def test_t059(furnished: House) -> None:
    """T044, T059: of Minsk by the wall or by an offset; the past is at once."""
    ask, minsk = furnished.producer.ask, ZoneInfo("Europe/Minsk")
    due = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    wall = due.astimezone(minsk)
    written = (
        {"not_before": f"{due:%Y-%m-%dT%H:%M:%SZ}"},
        {"not_before": wall.isoformat()},
        {"not_before": f"{wall:%Y-%m-%dT%H:%M:%S}", "timezone": "Europe/Minsk"},
    )
    asked = [await ask(send(1, "t059@x.example", delivery=one)) for one in written]
    jobs = [one.job for one in asked]
    rows = await furnished.rows("SELECT DISTINCT not_before FROM job WHERE id = ANY ($1)", jobs)
    assert [row["not_before"] for row in rows] == [due]
    for job in jobs:
        await ask(asks.command("cancel", job=job, principal=P1))
    bad = ("2024-13-01T10:00:00Z", "31.12.2024 12:00", "2024-02-30T10:00:00Z",
           "2099-01-01T00:00:00Z")  # fmt: skip
    wrong = [send(1, "a@x.example", delivery={"not_before": one}) for one in bad]
    assert await refused(furnished, *wrong) == [[("param.invalid", "delivery.not_before")]] * 4
    past = send(1, "t059-past@x.example", delivery={"not_before": "2020-01-01T00:00:00Z"})
    asked = await reached(furnished, past, "t059-past@x.example")
    assert asked.done["warnings"][0]["field"] == "delivery.not_before"


async def test_t057(furnished: House) -> None:
    """T057: noon in Minsk is nine by UTC; a second before that it is pending, and nothing is sent.

    Here it is the next seconds, as a wall in Minsk has them.
    """
    due = (datetime.now(UTC) + timedelta(seconds=4)).replace(microsecond=0)
    wall = f"{due.astimezone(ZoneInfo('Europe/Minsk')):%Y-%m-%dT%H:%M:%S}"
    delivery = {"not_before": wall, "timezone": "Europe/Minsk"}
    asked = await furnished.producer.ask(send(1, "t057@x.example", delivery=delivery))
    pending = {}

    async def is_due() -> bool:
        look = "SELECT state, not_before, clock_timestamp() AS now FROM job WHERE id = $1"
        [row] = await furnished.rows(look, asked.job)
        assert row["not_before"] == due
        pending.setdefault(row["state"], []).append(row["now"])
        return bool(row["now"] >= due)

    await until(is_due)
    before = [now for now in pending["scheduled"] if now < due]
    assert due - max(before) < timedelta(seconds=1)
    assert all(now >= due for state in pending.keys() - {"scheduled"} for now in pending[state])
    await furnished.events.completed(asked.job)
    [copy] = furnished.sink.copies_to("t057@")
    assert 0 <= copy.time - due.timestamp() <= 1.0


async def test_credit_low(furnished: House) -> None:
    """`credit.low` is told once for each time that an account comes below its threshold."""
    number = furnished.events.number
    balance = await _balance(furnished)
    await furnished.typed("credit", "adjust", "7", "--low", str(balance - Decimal("1.5")))
    for word, told in (("a", 0), ("b", 1), ("c", 1)):
        await reached(furnished, send(1, f"low-{word}@x.example"), f"low-{word}@x.example")
        assert number("credit.low") == told
    await furnished.typed("credit", "topup", "7", "100")
    await furnished.typed("credit", "adjust", "7", "-100")
    await furnished.events.until(lambda: number("credit.low") == 2, "it is told again")
