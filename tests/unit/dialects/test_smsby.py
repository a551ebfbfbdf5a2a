"""sms.by `sendEmail`: the mapping side of T055 to T059, and every field's good and bad values."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon import dialects
from daemon.dialects import DIALECTS, smsby
from daemon.dialects.dialect import Credentials
from daemon.mail import refusal
from daemon.mail.refusal import Code, NotARequest, Refused
from daemon.mail.request import decode, send
from daemon.mail.request.decode import Decoded
from daemon.mail.request.recipients import Recipient, Recipients
from daemon.mail.request.rules import Class, Doubt, Purpose, Setting

MINSK = ZoneInfo("Europe/Minsk")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2024, 12, 31, 8, 0, tzinfo=UTC)
LETTER = {
    "method": "sendEmail",
    "token": "the-api-key",
    "sender_email": "shop@example.org",
    "subject": "Your order",
    "message": "<p>It is on its way.</p>",
    "email": "ann@example.com",
}

Parse = Callable[..., Decoded | Refused]


def parse(
    *, zone: ZoneInfo = MINSK, now: datetime = NOW, urgent: bool = False, **fields: Any
) -> Decoded | Refused:
    """The call with some fields changed, at a fixed time."""
    return smsby.parse({**LETTER, **fields}, zone=zone, setting=Setting(now=now, urgent=urgent))


def sent(**fields: Any) -> send.Send:
    """The request that a changed call becomes."""
    answer = parse(**fields)
    assert isinstance(answer, Decoded), answer
    assert isinstance(answer.request, send.Send)
    return answer.request


def refused_fields(**fields: Any) -> list[tuple[str, str]]:
    """Codes and fields with which a changed call is refused."""
    answer = parse(**fields)
    assert isinstance(answer, Refused), answer
    return [(str(fault.code), fault.field) for fault in answer.faults]


def test_required_fields_alone_are_enough() -> None:
    """T055: one transactional mail to one address, tracked, at once, by the default transport."""
    assert sent() == send.Send(
        command="send",
        dialect="smsby",
        purpose=Purpose.TRANSACTIONAL,
        class_=Class.NORMAL,
        audience=(Recipients(items=(Recipient("ann@example.com", None, {}),)),),
        messages=(
            send.Message(
                subject="Your order",
                html="<p>It is on its way.</p>",
                from_=send.From(address="shop@example.org"),
            ),
        ),
        delivery=send.Delivery(
            doubt=Doubt.RESEND,
            transport=send.Transport(default=True),
            track_open=True,
            track_click=True,
        ),
    )


def test_it_is_urgent_on_the_urgent_queue() -> None:
    """The class follows the queue here too (Q3)."""
    assert sent(urgent=True).class_ is Class.URGENT


def test_credentials_are_found_first_and_hidden() -> None:
    """The token is all that is looked at before we know who asks, and no repr shows it."""
    found = smsby.credentials({"method": "sendEmail", "token": " key\n", "email": []})
    assert found == Credentials(scheme="form_token", secret="key")
    assert "key" not in repr(found)


@pytest.mark.parametrize("token", [None, "", "  ", 5, ["key"]])
def test_a_missing_token_is_a_refusal(token: Any) -> None:
    """Without a token nothing else is said."""
    answer = smsby.credentials({"method": "sendEmail", "token": token})
    assert answer == refusal.refused(Code.AUTH_MISSING, "is required", field="token")


@pytest.mark.parametrize("method", [None, "sendBulkEmail", "sendemail", 1, ["sendEmail"]])
def test_another_method_is_no_request(method: Any) -> None:
    """The vendor's other methods are refused by name until they are served."""
    answer = smsby.credentials({"method": method, "token": "key"})
    assert isinstance(answer, NotARequest)
    assert answer.code is Code.UNKNOWN_COMMAND


def test_the_token_goes_no_further() -> None:
    """Neither the request nor what is hashed of it holds the token."""
    answer = parse()
    assert isinstance(answer, Decoded)
    assert "the-api-key" not in repr(answer)
    assert b"the-api-key" not in decode.canonical_bytes(answer.source)


@pytest.mark.parametrize(
    ("message", "html"),
    [
        ("<b>x</b> & y\nz", "<b>x</b> & y\nz"),
        ("one\r\ntwo\rthree\nfour", "one<br>\ntwo<br>\nthree<br>\nfour"),
        ('1 < 2 & "a" > b', '1 &lt; 2 &amp; "a" &gt; b'),
        ("write to <ann@example.com>", "write to &lt;ann@example.com&gt;"),
        ("Dear {{ name }}", "Dear {{ name }}"),
        ("line<br/>line", "line<br/>line"),
        ("<!-- x --> y", "<!-- x --> y"),
        ('<a href="http://x.example">y</a>', '<a href="http://x.example">y</a>'),
        ("  indented", "  indented"),
    ],
)
def test_the_message_is_html(message: str, html: str) -> None:
    """T055, Q20: without any tag it is text, whose lines are kept; else it is left as it is."""
    assert sent(message=message).messages[0].html == html


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, True),
        (0, False),
        ("1", True),
        ("0", False),
        (" 0 ", False),
        (True, True),
        (False, False),
        ("true", True),
        ("", True),
        (None, True),
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", ["track_open", "track_click"])
def test_track_flags_are_cast(name: str, value: Any, expected: bool) -> None:
    """T056: 1 and 0 in any spelling; 1 when nothing is said."""
    assert getattr(sent(**{name: value}).delivery, name) is expected


@pytest.mark.parametrize("value", ["yes", 2, -1, 1.0, "2", [], {}], ids=repr)
@pytest.mark.parametrize("name", ["track_open", "track_click"])
def test_other_flags_are_errors(name: str, value: Any) -> None:
    """T056: `yes` is an error."""
    assert refused_fields(**{name: value}) == [("param.invalid", name)]


def test_a_schedule_is_local_time() -> None:
    """T057: noon in Minsk is nine o'clock UTC; the text is kept as it was received."""
    delivery = sent(d_schedule="2024-12-31 12:00").delivery
    assert delivery.not_before == datetime(2024, 12, 31, 9, 0, tzinfo=UTC)
    assert delivery.not_before_raw == "2024-12-31 12:00"


@pytest.mark.parametrize("nothing", ["", "  ", None])
def test_no_schedule_is_at_once(nothing: Any) -> None:
    """An empty field counts as absent."""
    delivery = sent(d_schedule=nothing).delivery
    assert (delivery.not_before, delivery.not_before_raw) == (None, None)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2025-03-30 01:59", "2025-03-30T00:59+00:00"),
        ("2025-03-30 02:30", "2025-03-30T01:30+00:00"),
        ("2025-03-30 03:00", "2025-03-30T01:00+00:00"),
        ("2025-10-26 02:30", "2025-10-26T00:30+00:00"),
        ("2025-10-26 03:00", "2025-10-26T02:00+00:00"),
    ],
)
def test_gaps_move_on_and_of_two_it_is_the_first(local: str, utc: str) -> None:
    """Q15: 02:30 that doesn't exist becomes 03:30; 02:30 that comes twice is the first."""
    assert sent(d_schedule=local, zone=BERLIN).delivery.not_before == datetime.fromisoformat(utc)


def test_a_past_schedule_is_at_once_and_told() -> None:
    """T059: what has passed is taken, with a warning."""
    answer = parse(d_schedule="2024-12-31 10:59")
    assert isinstance(answer, Decoded)
    assert [notice.field for notice in answer.notices] == ["d_schedule"]


@pytest.mark.parametrize(
    "schedule",
    [
        "2024-13-01 10:00",
        "31.12.2024 12:00",
        "2024-02-30 10:00",
        "2099-01-01 00:00",
        "2026-01-01 12:00",
        "2025-01-01T12:00",
        "2025-01-01 12:00:00",
        "2025-01-01 24:00",
        "2025-1-1 1:00",
        "0000-01-01 00:00",
        "0001-01-01 00:00",
        "\u0662\u0660\u0662\u0665-01-01 12:00",
        "tomorrow",
        1735635600,
        [],
    ],
)
def test_an_unfit_schedule_is_an_error(schedule: Any) -> None:
    """T059: other forms, days that don't exist, and more than 366 days ahead."""
    assert refused_fields(d_schedule=schedule) == [("param.invalid", "d_schedule")]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("sender_email", None, "param.missing"),
        ("sender_email", " ", "param.missing"),
        ("sender_email", "shop", "param.invalid"),
        ("sender_email", "a@b.example,c@d.example", "param.invalid"),
        ("sender_email", 1, "param.invalid"),
        ("sender_name", "a\r\nBcc: b@c.example", "param.invalid"),
        ("sender_name", 5, "param.invalid"),
        ("subject", None, "param.missing"),
        ("subject", "", "param.missing"),
        ("subject", "a\nb", "param.invalid"),
        ("subject", "x" * 999, "param.invalid"),
        ("subject", ["s"], "param.invalid"),
        ("message", "", "param.missing"),
        ("message", "a\0b", "param.invalid"),
        ("message", {"html": "x"}, "param.invalid"),
        ("email", None, "param.missing"),
        ("email", "", "param.missing"),
        ("email", "foo", "param.invalid"),
        ("email", "a@b@c", "param.invalid"),
        ("email", "Ann <ann@example.com>", "param.invalid"),
        ("email", "a@b.example, c@d.example", "param.invalid"),
        ("email", "a@localhost", "param.invalid"),
        ("attachment", "JVBERi0=", "param.invalid"),
        ("attachment", {"name": "x.pdf"}, "param.invalid"),
        ("list_id", 5, "param.invalid"),
        ("sender_mail", "x", "param.invalid"),
    ],
)
def test_an_unfit_field_is_an_error(name: str, value: Any, code: str) -> None:
    """Each fault stands under the vendor's name of the field."""
    assert refused_fields(**{name: value}) == [(code, name)]


def test_fields_are_trimmed() -> None:
    """White space around single lines is dropped; an empty attachment is none."""
    request = sent(
        email=" Ann@Example.com\n", sender_email=" shop@example.org", subject=" s ", attachment=""
    )
    assert [recipient.address for recipient in request.recipients] == ["Ann@example.com"]
    assert request.messages[0].from_ == send.From(address="shop@example.org")
    assert request.messages[0].subject == "s"


def test_all_faults_are_told_at_once() -> None:
    """A call that is wrong in several ways hears of all of them."""
    found = refused_fields(email="foo", subject=None, track_open="yes", d_schedule="soon", x=1)
    assert {field for _, field in found} == {"email", "subject", "track_open", "d_schedule", "x"}


def test_many_unknown_fields_are_not_all_named() -> None:
    """A hostile form costs no more than a few faults."""
    assert len(refused_fields(**{f"f{number}": 1 for number in range(1000)})) == 20


def test_it_is_registered_under_its_name() -> None:
    """A parcel's type finds the dialect; a name that isn't there finds none."""
    assert DIALECTS["smsby"].parse is smsby.parse
    assert DIALECTS["smsby"].refuses_empty
    assert dialects.DIALECTS.get("pigeon") is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*LETTER, "d_schedule", "track_open", "x"]), anything))
@settings(deadline=None)
def test_no_call_raises(fields: dict[str, Any]) -> None:
    """Whatever stands in the fields, a request or a refusal comes out, and repeats nothing."""
    answer = parse(**fields)
    assert isinstance(answer, Decoded | Refused)
    assert isinstance(smsby.credentials(fields), Credentials | Refused | NotARequest)
    if isinstance(answer, Refused):
        assert smsby.render(answer)


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)))  # noqa: DTZ001 - local on purpose
@settings(deadline=None)
def test_no_time_raises(local: datetime) -> None:
    """Every minute of the calendar, in a zone far from UTC, is taken or refused."""
    schedule = f"{local.year:04}-{local:%m-%d %H:%M}"
    for zone in (ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Pago_Pago")):
        assert isinstance(parse(d_schedule=schedule, zone=zone), Decoded | Refused)
