"""Recipients: what one may bring, and that the quick way and the thorough way agree."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.mail.request import recipients
from daemon.mail.request.findings import Findings
from daemon.mail.request.recipients import Override, Reading, Recipient, Spelling
from daemon.mail.request.rules import Rules, Setting


def reading(body: bytes = b"") -> Reading:
    """What a reader is given."""
    setting = Setting(now=None, rules=Rules())  # type: ignore[arg-type] - recipients ask no time
    return Reading(findings=Findings(), setting=setting, spelling=Spelling(body))


FIRST = {"address": "first@example.com", "vars": dict.fromkeys("abctfnz", "")}
"""Who stands before the others and teaches the reader the names of their variables."""


def only(item: Any) -> tuple[Recipient, set[str]]:
    """One recipient as it was read, and the fields that are at fault."""
    used = reading()
    found = recipients.read([FIRST, item], used, "items")
    return found[1], {fault.field for fault in used.findings.faults}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({}, Recipient(None, None, {})),
        ({"address": None, "vars": None, "override": None}, Recipient(None, None, {})),
        ({"address": "not an address"}, Recipient("not an address", None, {})),
        ({"address": " a@b.example\r\n"}, Recipient(" a@b.example\r\n", None, {})),
        ({"role": "to", "name": "Ann\u3000B"}, Recipient(None, "Ann\u3000B", {})),
        ({"address": "x", "name": "N"}, Recipient("x", "N", {})),
        ({"address": "x", "vars": {"a": "x"}}, Recipient("x", None, {"a": "x"})),
        ({"address": "x", "vars": {"a": 1}}, Recipient("x", None, {"a": "1"})),
        ({"address": "x", "vars": {"a": None}}, Recipient("x", None, {"a": None})),
        ({"address": "x", "vars": {"new": "x"}}, Recipient("x", None, {"new": "x"})),
        ({"vars": {"a": "x", "b": None}}, Recipient(None, None, {"a": "x", "b": None})),
        ({"vars": {"t": True, "f": False}}, Recipient(None, None, {"t": "true", "f": "false"})),
        ({"vars": {"n": -3, "z": 0}}, Recipient(None, None, {"n": "-3", "z": "0"})),
        ({"override": {}}, Recipient(None, None, {})),
        ({"override": {"subject": None}}, Recipient(None, None, {})),
        ({"override": {"html": "h"}}, Recipient(None, None, {}, Override(html="h"))),
        ({"passthrough": {"a": [1, None]}}, Recipient(None, None, {}, None, {"a": [1, None]})),
    ],
)
def test_a_fit_recipient_is_taken(item: dict[str, Any], expected: Recipient) -> None:
    """Addresses aren't judged here; everything else comes in canonical form."""
    assert only(item) == (expected, set())


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ("ann@example.com", ""),
        (None, ""),
        ([], ""),
        ({"role": "cc"}, ".role"),
        ({"role": ["to"]}, ".role"),
        ({"adress": "a@b.example"}, ".adress"),
        ({"address": 1}, ".address"),
        ({"address": ["a@b.example"]}, ".address"),
        ({"address": "a\0b"}, ".address"),
        ({"name": 1}, ".name"),
        ({"name": "a\r\nBcc: x"}, ".name"),
        ({"name": "\u202eevil"}, ".name"),
        ({"name": "x" * 257}, ".name"),
        ({"vars": []}, ".vars"),
        ({"vars": "a=b"}, ".vars"),
        ({"vars": {f"v{n}": "" for n in range(31)}}, ".vars"),
        ({"vars": {"": "x"}}, ".vars.?"),
        ({"vars": {"a b": "x"}}, ".vars.?"),
        ({"vars": {"1a": "x"}}, ".vars.1a"),
        ({"vars": {"größe": "x"}}, ".vars.größe"),
        ({"vars": {"x" * 65: "x"}}, ".vars.?"),
        ({"vars": {"a\0": "x"}}, ".vars.?"),
        ({"vars": {"a": "\0"}}, ".vars.a"),
        ({"address": "x", "vars": {"a": "\0"}}, ".vars.a"),
        ({"address": "x", "vars": {"a": 1, "b": []}}, ".vars.b"),
        ({"address": "x", "vars": []}, ".vars"),
        ({"vars": {"a": []}}, ".vars.a"),
        ({"vars": {"a": {}}}, ".vars.a"),
        ({"override": "text"}, ".override"),
        ({"override": {"body": "x"}}, ".override.body"),
        ({"override": {"subject": "a\nb"}}, ".override.subject"),
        ({"override": {"subject": "x" * 999}}, ".override.subject"),
        ({"override": {"text": 1}}, ".override.text"),
        ({"override": {"html": "\0"}}, ".override.html"),
        ({"passthrough": []}, ".passthrough"),
        ({"passthrough": {"a": "\0"}}, ".passthrough"),
        ({"passthrough": {"\0": 1}}, ".passthrough"),
        ({"passthrough": {"a": [[[[[[[[1]]]]]]]]}}, ".passthrough"),
    ],
)
def test_an_unfit_recipient_is_a_fault_at_its_place(item: Any, field: str) -> None:
    """Each fault names the recipient's place and field."""
    assert only(item)[1] == {f"items[1]{field}"}


def test_a_passthrough_may_be_as_deep_as_the_limit() -> None:
    """Eight levels are given back unchanged."""
    item = {"passthrough": {"a": [[[[[[[1]]]]]]]}}
    assert only(item)[0].passthrough == item["passthrough"]


@pytest.mark.parametrize(
    "written",
    ["9.90", "1.0", "0.10", "-0.0", "1e3", "1E+2", "123456789012345678901234567890", "1.5"],
)
def test_numbers_stay_as_they_are_written(read, written: str) -> None:
    """A variable's number becomes the text that its sender wrote, even where floats differ."""
    body = (
        '{"v":1,"command":"extend","request_id":"k","frame":1,"items":[{"address":"a@b.example"},'
        f'{{"address":"c@d.example","vars":{{"n":{written},"s":"x","m":{written}}}}}]}}'
    )
    expected = {"n": written, "s": "x", "m": written}
    assert read(body.encode()).request.items[1].vars == expected


def test_a_deep_document_does_not_spoil_numbers(read) -> None:
    """Where the body is nested too deeply to be read again, the number is told as we know it."""
    deep = '{"a":' * 990 + "1" + "}" * 990
    body = (
        '{"v":1,"command":"extend","request_id":"k","frame":1,'
        f'"items":[{{"vars":{{"n":1.50}},"passthrough":{deep}}}]}}'
    )
    assert [fault.field for fault in read(body.encode()).faults] == ["items[0].passthrough"]


texts = st.sampled_from(["", "x", "Ann", "\u3000", "\0", "a\nb"])
values = st.one_of(
    texts, st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.lists(texts, max_size=1)
)
items = st.fixed_dictionaries(
    {"address": texts},
    optional={
        "name": st.one_of(st.none(), texts, st.integers()),
        "vars": st.one_of(
            st.none(), st.integers(), st.dictionaries(st.sampled_from("abd\0"), values)
        ),
        "role": st.sampled_from(["to", "cc", None]),
    },
)


@given(st.lists(items, max_size=4))
@settings(deadline=None)
def test_a_glance_and_a_second_look_agree(asked: list[dict[str, Any]]) -> None:
    """Whether a recipient is read quickly or thoroughly makes no difference to it or its faults."""
    quick, thorough = reading(), reading()
    once = recipients.read([FIRST, *asked], quick, "items")
    # nobody with an override, be it empty, is read at a glance
    again = recipients.read(
        [FIRST, *({**item, "override": {}} for item in asked)], thorough, "items"
    )
    assert once == again
    assert quick.findings.faults == thorough.findings.faults
