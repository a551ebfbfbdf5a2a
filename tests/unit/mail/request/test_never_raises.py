"""The law of the way in: whatever comes, one of three values goes out, and nothing is repeated."""

import copy
from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.mail.refusal import NotARequest, Refused
from daemon.mail.request import answers, decode
from daemon.mail.request.decode import Decoded
from daemon.mail.request.forms import FORMS
from daemon.mail.request.parcel import Label
from daemon.mail.request.rules import Rules, Setting

SETTING = Setting(now=datetime(2030, 6, 1, 12, tzinfo=UTC), rules=Rules(recipients=5))
CANARY = "Zq7kanarienvogel"
"""Text that stands nowhere but in what is sent."""

WHOLE: dict[str, Any] = {
    "v": 1,
    "command": "send",
    "request_id": "k",
    "principal": {"customer_id": 7, "scheme": "internal"},
    "name": "n",
    "purpose": "marketing",
    "class": "bulk",
    "audience": [
        {
            "type": "recipients",
            "items": [
                {
                    "role": "to",
                    "address": "ann@example.com",
                    "name": "Ann",
                    "vars": {"a": "x", "n": 1.50},
                    "override": {"subject": "s"},
                    "passthrough": {"row": 1},
                }
            ],
        }
    ],
    "messages": [
        {"subject": "s", "text": "t", "html": "h", "from": {"address": "a@b.example", "name": "A"}}
    ],
    "delivery": {
        "not_before": "2030-06-01T13:00:00Z",
        "expires_after": "1d",
        "doubt": "hold",
        "transport": {"id": 1},
        "track_open": True,
    },
}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.sampled_from(
        [
            CANARY,
            f"{CANARY}@b",
            "\0",
            "a\r\nb",
            "\u202e",
            "2030-06-01T13:00:00Z",
            "5d",
            "recipients",
        ]
    ),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = sorted(
    {name for form in FORMS.values() for known in form.names.values() for name in known}
)
names = st.sampled_from(FIELDS)


def ways(value: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything in a document, the whole left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(*so_far, step) for step, _ in inner]
    for step in value if isinstance(value, dict) else range(len(value)):
        if isinstance(value[step], dict | list):
            found += ways(value[step], (*so_far, step))
    return found


def changed(document: Any, way: tuple[Any, ...], new: Any) -> Any:
    """The document with something else at the end of a path."""
    altered = copy.deepcopy(document)
    inner = altered
    for step in way[:-1]:
        inner = inner[step]
    inner[way[-1]] = new
    return altered


def decoded(body: bytes, label: Label | None = None) -> Any:
    """The answer to a body, after a look at its type and at what is made of it next."""
    answer = decode.native(body, label or Label(), SETTING)
    assert isinstance(answer, Decoded | Refused | NotARequest)
    if isinstance(answer, Decoded):
        assert decode.canonical_bytes(answer.source)
    else:
        assert answers.render(answer)
    return answer


@given(st.binary(max_size=200), st.sampled_from([None, "gzip", "utf-8", "x"]))
@settings(deadline=None)
def test_no_bytes_raise(body: bytes, encoding: str | None) -> None:
    """Any body at all, declared as anything, gets an answer."""
    decoded(body, Label(content_encoding=encoding))


@given(st.sampled_from([*FORMS, "x"]), st.dictionaries(names | st.text(max_size=6), anything))
@settings(deadline=None)
def test_no_document_raises(command: str, fields: dict[str, Any]) -> None:
    """Any JSON under any command gets an answer."""
    decoded(orjson.dumps({**fields, "v": 1, "command": command}))


@given(st.sampled_from(ways(WHOLE)), anything)
@settings(max_examples=400, deadline=None)
def test_no_altered_request_raises(way: tuple[Any, ...], new: Any) -> None:
    """A good request with anything in any place gets an answer."""
    decoded(orjson.dumps(changed(WHOLE, way, new)))


@given(st.sampled_from(ways(WHOLE)), st.lists(st.sampled_from(ways(WHOLE)), max_size=5))
@settings(deadline=None)
def test_a_refusal_repeats_nothing(way: tuple[Any, ...], more: list[tuple[Any, ...]]) -> None:
    """No fault holds a value that was sent (promise 10)."""
    document = changed(WHOLE, way, CANARY)
    for other in more:
        if other in ways(document):
            document = changed(document, other, {"x": [CANARY]})
    answer = decoded(orjson.dumps(document))
    if not isinstance(answer, Decoded):
        told = orjson.loads(answers.render(answer))
        told.pop("request_id", None)  # the key is given back on purpose
        assert CANARY not in orjson.dumps(told).decode()


@given(st.binary(max_size=60), st.integers(0, 600))
@settings(deadline=None)
def test_no_cut_or_spliced_body_raises(noise: bytes, where: int) -> None:
    """A request with bytes lost or put in gets an answer."""
    body = orjson.dumps(WHOLE)
    decoded(body[:where])
    decoded(body[:where] + noise + body[where:])
