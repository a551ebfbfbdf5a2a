"""sms.by `sendEmail`: what the vendor's clients hear."""

from typing import Any

import orjson
import pytest

from daemon.dialects import smsby
from daemon.mail import refusal
from daemon.mail.refusal import Code, Fault, NotARequest, Refused
from daemon.mail.request.answers import Accepted, Done


@pytest.mark.parametrize(
    ("answer", "rendered", "status"),
    [
        (
            Accepted(command="send", delivery=5121, counts={"queued": 1}),
            {"status": "OK", "result": {"email_id": 5121}},
            200,
        ),
        (
            Accepted(command="send", counts={"queued": 0}),
            {"status": "error", "message": "email: reaches nobody"},
            421,
        ),
        (Done(command="unsubscribe"), {"status": "OK"}, 200),
        (
            refusal.refused(Code.AUTH_INVALID, "isn't valid", field="token"),
            {"status": "error", "message": "token: isn't valid"},
            401,
        ),
        (
            refusal.refused(Code.CREDIT_INSUFFICIENT, "the credit isn't enough"),
            {"status": "error", "message": "the credit isn't enough"},
            402,
        ),
        (
            refusal.refused(Code.PARAM_INVALID, "doesn't compile", field="messages[0].html"),
            {"status": "error", "message": "message: doesn't compile"},
            421,
        ),
        (
            refusal.refused(Code.AUDIENCE_EMPTY, "reaches nobody", field="audience"),
            {"status": "error", "message": "email: reaches nobody"},
            421,
        ),
        (
            Refused(
                faults=(
                    Fault(code=Code.PARAM_MISSING, field="email", message="is required"),
                    Fault(code=Code.PARAM_INVALID, field="subject", message="must be text"),
                )
            ),
            {"status": "error", "message": "email: is required; subject: must be text"},
            421,
        ),
        (
            NotARequest(code=Code.BAD_JSON, message="the body must be a JSON object"),
            {"status": "error", "message": "the body must be a JSON object"},
            421,
        ),
    ],
)
def test_answers_are_the_vendor_s(answer: Any, rendered: dict[str, Any], status: int) -> None:
    """OK with an integer email_id, or error with a message; statuses of requirements 2.7."""
    assert orjson.loads(smsby.render(answer)) == rendered
    assert smsby.http_status(answer) == status


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_a_status(code: Code) -> None:
    """No refusal is answered with success."""
    assert smsby.http_status(refusal.refused(code, "no")) >= 400
