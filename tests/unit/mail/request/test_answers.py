"""Answers: what goes back, in the native form."""

import doctest
from uuid import UUID

import orjson

from daemon.mail import refusal
from daemon.mail.refusal import Code, Fault, NotARequest, Notice, Refused
from daemon.mail.request import answers
from daemon.mail.request.answers import Accepted, Done

JOB = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def test_the_examples_are_true() -> None:
    """What the docstrings show is what is rendered."""
    assert doctest.testmod(answers).failed == 0


def test_an_accepted_send_says_what_it_became() -> None:
    """Job, ticket, messages and counts come back, and what the sender should know."""
    answer = Accepted(
        command="send",
        request_id="k",
        job=JOB,
        ticket="email_5f3fbce61266e",
        messages=(12,),
        delivery=5121,
        counts={"requested": 1, "queued": 1},
        notices=(Notice(field="delivery.not_before", message="lies in the past"),),
    )
    assert orjson.loads(answers.render(answer)) == {
        "v": 1,
        "ok": True,
        "command": "send",
        "request_id": "k",
        "job": str(JOB),
        "ticket": "email_5f3fbce61266e",
        "messages": [12],
        "delivery": 5121,
        "counts": {"requested": 1, "queued": 1},
        "warnings": [{"field": "delivery.not_before", "message": "lies in the past"}],
    }


def test_counts_not_known_yet_are_null() -> None:
    """While a job is open or expanding, `requested` is null and not left out (design 5)."""
    dry = Accepted(command="validate", dry_run=True, counts={"requested": None, "queued": 0})
    assert answers.document(dry) == {
        "v": 1,
        "ok": True,
        "command": "validate",
        "dry_run": True,
        "counts": {"requested": None, "queued": 0},
    }


def test_a_result_keeps_what_is_zero_or_null() -> None:
    """The result of a command is given as it is."""
    done = Done(command="cancel", result={"canceled": 0, "next": None, "job": JOB})
    assert orjson.loads(answers.render(done)) == {
        "v": 1,
        "ok": True,
        "command": "cancel",
        "canceled": 0,
        "next": None,
        "job": str(JOB),
    }


def test_a_refusal_lists_all_faults() -> None:
    """Every fault has code, field and message."""
    no = Refused(
        faults=(
            Fault(code=Code.PARAM_MISSING, field="audience", message="is required"),
            Fault(code=Code.CREDIT_INSUFFICIENT, message="is not enough"),
        ),
        command="send",
        request_id="k",
    )
    assert orjson.loads(answers.render(no)) == {
        "v": 1,
        "ok": False,
        "command": "send",
        "request_id": "k",
        "errors": [
            {"code": "param.missing", "field": "audience", "message": "is required"},
            {"code": "credit.insufficient", "field": "", "message": "is not enough"},
        ],
    }


def test_what_is_no_request_is_answered_with_its_code() -> None:
    """Whoever asked for a reply gets one for a dead letter too."""
    no = NotARequest(code=Code.BAD_JSON, message="the body must be a JSON object")
    assert answers.document(no)["errors"] == [
        {"code": "bad_json", "field": "", "message": "the body must be a JSON object"}
    ]


def test_a_single_fault_is_a_refusal() -> None:
    """Accept refuses for one reason in one call."""
    no = refusal.refused(Code.NOT_FOUND, "names no job", field="job")
    fault = Fault(code=Code.NOT_FOUND, field="job", message="names no job")
    assert no == Refused(faults=(fault,))
