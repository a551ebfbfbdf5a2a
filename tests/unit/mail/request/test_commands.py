"""Every command but `send`: what it takes, what it refuses."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from daemon.mail.request import commands, keeping
from daemon.mail.request.decode import Decoded
from daemon.mail.request.forms import FORMS
from daemon.mail.state import State

JOB = "01890a5d-ac96-774b-bcce-b302099a8057"
SOON = "2030-06-01T13:00:00Z"
ANN = {"address": "ann@example.com"}


def ask(command: str, **fields: Any) -> dict[str, Any]:
    """A document; `from_` stands for `from`."""
    return {"v": 1, "command": command} | {name.rstrip("_"): fields[name] for name in fields}


@pytest.mark.parametrize(
    ("asked", "kind", "expected"),
    [
        (ask("close", request_id="k", frames=3), commands.Close, {"frames": 3}),
        (ask("status", job=JOB), commands.Status, {"job": UUID(JOB)}),
        (
            ask("status", ticket="email_5f3fbce61266e"),
            commands.Status,
            {"ticket": "email_5f3fbce61266e"},
        ),
        (ask("status", message=12), commands.Status, {"message": 12}),
        (ask("status", delivery=2**63 - 1), commands.Status, {"delivery": 2**63 - 1}),
        (ask("deliveries", job=JOB), commands.Deliveries, {"limit": 100, "dropped": False}),
        (
            ask("deliveries", message=1, state="in_doubt", limit=1000, page="x"),
            commands.Deliveries,
            {"state": State.IN_DOUBT, "limit": 1000, "page": "x"},
        ),
        (ask("deliveries", job=JOB, dropped=True), commands.Deliveries, {"dropped": True}),
        (ask("cancel", job=JOB), commands.Cancel, {"job": UUID(JOB), "delivery": None}),
        (ask("cancel", delivery=5), commands.Cancel, {"delivery": 5}),
        (ask("pause", job=JOB), commands.Pause, {"job": UUID(JOB)}),
        (ask("pause", customer=7), commands.Pause, {"customer": 7}),
        (ask("resume", customer=7), commands.Resume, {"customer": 7}),
        (
            ask("reschedule", delivery=5, not_before=SOON),
            commands.Reschedule,
            {"not_before": datetime(2030, 6, 1, 13, tzinfo=UTC)},
        ),
        (
            ask("unsubscribe", address=" Ann@Example.COM", reason="by letter"),
            commands.Unsubscribe,
            {"address": "Ann@example.com", "reason": "by letter"},
        ),
        (ask("unsubscribe", address="ü@example.com"), commands.Unsubscribe, {}),
        (ask("subscribe", address="ann@example.com"), commands.Subscribe, {}),
        (ask("doubt.list"), commands.DoubtList, {"job": None, "limit": 100}),
        (ask("credit.get"), commands.CreditGet, {"customer": None}),
        (
            ask("credit.topup", customer=7, amount="12.50"),
            commands.CreditTopup,
            {"customer": 7, "amount": Decimal("12.50")},
        ),
        (ask("lists.create", name="News"), keeping.ListsCreate, {"name": "News"}),
        (ask("lists.list", page="5"), keeping.ListsList, {"page": "5", "limit": 100}),
        (ask("lists.members", list=5), keeping.ListsMembers, {"list": 5, "page": None}),
        (ask("lists.delete", list=5), keeping.ListsDelete, {"list": 5}),
        (
            ask("senders.put", address="News@EXAMPLE.org", transport=2, name="News"),
            keeping.SendersPut,
            {"address": "News@example.org", "transport": 2, "name": "News", "active": None},
        ),
        (
            ask("senders.put", sender=5, name="", reply_to="", transport="", active=False),
            keeping.SendersPut,
            {"name": "", "reply_to": "", "transport": 0, "address": None, "active": False},
        ),
        (ask("senders.list", customer=7), keeping.SendersList, {"customer": 7, "limit": 100}),
        (ask("senders.get", sender=5), keeping.SendersGet, {"sender": 5}),
        (ask("senders.delete", sender=5), keeping.SendersDelete, {"sender": 5}),
        (ask("status", campaign=880), commands.Status, {"campaign": 880, "job": None}),
        (
            ask("campaigns.create", name="Spring", sender=5, html="<p>{{ x }}</p>"),
            keeping.CampaignsCreate,
            {"name": "Spring", "type": "simple", "active": True, "sender": 5, "subject": None},
        ),
        (ask("campaigns.list", active=False), keeping.CampaignsList, {"active": False}),
        (ask("campaigns.list"), keeping.CampaignsList, {"active": None, "limit": 100}),
        (ask("campaigns.get", campaign=8), keeping.CampaignsGet, {"campaign": 8}),
        (ask("campaigns.activate", campaign=8), keeping.CampaignsActivate, {"campaign": 8}),
        (ask("campaigns.deactivate", campaign=8), keeping.CampaignsDeactivate, {"campaign": 8}),
        (ask("doubt.list", job=JOB, page="2"), commands.DoubtList, {"page": "2"}),
        (
            ask("doubt.resolve", job=JOB, action="resend"),
            commands.DoubtResolve,
            {"action": "resend", "deliveries": None},
        ),
        (
            ask("doubt.resolve", deliveries=[1, 2], action="give_up"),
            commands.DoubtResolve,
            {"deliveries": (1, 2)},
        ),
        (ask("events.replay", job=JOB), commands.EventsReplay, {"from_": None}),
        (ask("events.replay", stream=1), commands.EventsReplay, {"stream": 1}),
        (
            ask("events.replay", from_="2030-01-01T00:00:00Z", to=SOON, stream=1),
            commands.EventsReplay,
            {"from_": datetime(2030, 1, 1, tzinfo=UTC)},
        ),
        (ask("extend", request_id="k", frame=1, items=[ANN]), commands.Extend, {"frame": 1}),
    ],
)
def test_a_fit_command_is_taken(read, asked, kind: type, expected: dict[str, Any]) -> None:
    """Each command comes out as its class, with its fields in canonical form."""
    answer = read(asked)
    assert isinstance(answer, Decoded), answer
    assert type(answer.request) is kind
    assert {name: getattr(answer.request, name) for name in expected} == expected


INVALID, MISSING = "param.invalid", "param.missing"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (ask("extend"), {(MISSING, "request_id"), (MISSING, "frame"), (MISSING, "items")}),
        (ask("extend", request_id="k", frame=0, items=[ANN]), {(INVALID, "frame")}),
        (ask("extend", request_id="k", frame="1", items=[ANN]), {(INVALID, "frame")}),
        (ask("extend", request_id="k", frame=1, items=[]), {("audience.empty", "items")}),
        (ask("extend", request_id="k", frame=1, items=ANN), {(INVALID, "items")}),
        (ask("extend", request_id="k", frame=1, items=[3]), {(INVALID, "items[0]")}),
        (ask("close", request_id="k"), {(MISSING, "frames")}),
        (ask("close", request_id="k", frames=0), {(INVALID, "frames")}),
        (ask("status"), {(MISSING, "")}),
        (ask("status", job=None), {(MISSING, "")}),
        (ask("status", job=JOB, message=1), {(INVALID, "")}),
        (ask("status", job="5"), {(INVALID, "job")}),
        (ask("status", job=5), {(INVALID, "job")}),
        (ask("status", ticket="email_5F3FBCE61266E"), {(INVALID, "ticket")}),
        (ask("status", ticket="5"), {(INVALID, "ticket")}),
        (ask("status", message="12"), {(INVALID, "message")}),
        (ask("status", delivery=2**63), {(INVALID, "delivery")}),
        (ask("status", campaign_id=1), {(MISSING, ""), (INVALID, "campaign_id")}),
        (ask("deliveries"), {(MISSING, "")}),
        (ask("deliveries", job=JOB, state="s"), {(INVALID, "state")}),
        (ask("deliveries", job=JOB, state=["sent"]), {(INVALID, "state")}),
        (ask("deliveries", job=JOB, limit=1001), {(INVALID, "limit")}),
        (ask("deliveries", job=JOB, limit=0), {(INVALID, "limit")}),
        (ask("deliveries", job=JOB, page=2), {(INVALID, "page")}),
        (ask("deliveries", job=JOB, dropped=True, state="sent"), {(INVALID, "state")}),
        (ask("cancel", job=JOB, delivery=1), {(INVALID, "")}),
        (ask("pause"), {(MISSING, "")}),
        (ask("resume", job=JOB, customer=1), {(INVALID, "")}),
        (ask("reschedule", job=JOB), {(MISSING, "not_before")}),
        (ask("reschedule", job=JOB, not_before="2099-01-01T00:00:00Z"), {(INVALID, "not_before")}),
        (ask("reschedule", not_before=SOON), {(MISSING, "")}),
        (ask("unsubscribe"), {(MISSING, "address")}),
        (ask("unsubscribe", address="nobody"), {(INVALID, "address")}),
        (ask("unsubscribe", address="a@b.example", list_ids=[1]), {(INVALID, "list_ids")}),
        (ask("unsubscribe", address="a@b.example", reason="a\nb"), {(INVALID, "reason")}),
        (ask("subscribe", address=5), {(INVALID, "address")}),
        (ask("doubt.list", limit=True), {(INVALID, "limit")}),
        (ask("lists.create", name=""), {(INVALID, "name")}),
        (ask("lists.create", name="a\nb"), {(INVALID, "name")}),
        (ask("lists.members", list="5"), {(INVALID, "list")}),
        (ask("lists.import", list=5), {(MISSING, "contacts")}),
        (ask("lists.import", list=5, contacts={}), {(INVALID, "contacts")}),
        (ask("lists.import", list=5, contacts=[]), {(INVALID, "contacts")}),
        (
            ask("lists.import", list=0, contacts=[{}] * 501),
            {("too_large", "contacts"), (INVALID, "list")},
        ),
        (ask("lists.import", list=5, contacts=[{}], wrong=[]), {(INVALID, "wrong")}),
        (ask("status", job=JOB, campaign=1), {(INVALID, "")}),
        (ask("campaigns.create"), {(MISSING, "name")}),
        (
            ask("campaigns.create", name="", type="big", subject="a\nb", html="{{", sender="5"),
            {(INVALID, name) for name in ("name", "type", "subject", "html", "sender")},
        ),
        (ask("campaigns.create", name="x", html="x" * 4_000_001), {(INVALID, "html")}),
        (ask("campaigns.get"), {(MISSING, "campaign")}),
        (ask("campaigns.activate", campaign="8"), {(INVALID, "campaign")}),
        (ask("campaigns.deactivate"), {(MISSING, "campaign")}),
        (ask("senders.put"), {(MISSING, "address")}),
        (ask("senders.put", address=""), {(INVALID, "address")}),
        (ask("senders.put", sender=5, customer=7), {(INVALID, "customer")}),
        (
            ask("senders.put", sender=0, name="{{", reply_to="x", transport=0, active="no"),
            {(INVALID, name) for name in ("sender", "name", "reply_to", "transport", "active")},
        ),
        (ask("senders.put", sender=5, transport="2"), {(INVALID, "transport")}),
        (ask("senders.get"), {(MISSING, "sender")}),
        (ask("senders.delete", sender="5"), {(INVALID, "sender")}),
        (ask("doubt.resolve", job=JOB), {(MISSING, "action")}),
        (ask("doubt.resolve", job=JOB, action="drop"), {(INVALID, "action")}),
        (ask("doubt.resolve", deliveries=[], action="resend"), {(INVALID, "deliveries")}),
        (ask("doubt.resolve", deliveries=[0], action="resend"), {(INVALID, "deliveries[0]")}),
        (
            ask("doubt.resolve", deliveries=[1] * 1001, action="resend"),
            {(INVALID, "deliveries")},
        ),
        (ask("events.replay"), {(MISSING, "")}),
        (ask("events.replay", to=SOON), {(MISSING, "")}),
        (ask("events.replay", job=JOB, stream=1), {(INVALID, "")}),
        (ask("events.replay", from_=SOON, to=SOON), {(INVALID, "to")}),
        (ask("events.replay", from_="yesterday"), {(INVALID, "from")}),
        (ask("credit.get", customer="7"), {(INVALID, "customer")}),
        (ask("credit.topup", customer=7), {(MISSING, "amount")}),
        *(
            (ask("credit.topup", amount=amount), {(INVALID, "amount")})
            for amount in (
                12.5,
                100,
                "0",
                "0.00",
                "-1",
                "1e3",
                "1.123456789",
                "٣",
                "",
                "9" * 11,
            )
        ),
    ],
)
def test_an_unfit_command_is_refused(faults, asked: dict[str, Any], expected: set[Any]) -> None:
    """Each fault is named by its field; what is missing altogether, by the whole."""
    assert faults(asked) == expected


def test_moving_into_the_past_is_told(read) -> None:
    """Rescheduling to a time that has passed means at once, with a warning."""
    answer = read(ask("reschedule", delivery=5, not_before="2030-06-01T11:00:00Z"))
    assert [notice.field for notice in answer.notices] == ["not_before"]


def test_a_principal_is_kept_for_intake_to_judge(read) -> None:
    """Decoding believes nobody; it hands on who the parcel says it is."""
    principal = {"customer_id": 7, "person_id": 1, "scheme": "password"}
    kept = read(ask("status", job=JOB, principal=principal)).request.principal
    assert kept == commands.Principal(customer_id=7, person_id=1, scheme="password")


@pytest.mark.parametrize("command", list(FORMS))
def test_every_command_can_be_described(command: str) -> None:
    """The classes are the contract: a JSON Schema that refuses unknown fields comes out of each."""
    schema = FORMS[command].adapter.json_schema()
    assert schema["additionalProperties"] is False
    assert "command" in schema["properties"]
