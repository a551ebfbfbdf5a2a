"""A message becomes a plan."""

from dataclasses import replace

import pytest

from daemon.compose import plan
from daemon.compose.plan import Draft, Override, Plan

DRAFT = Draft(from_address="shop@x.example", subject="Hi {{ name }}", text="Dear {{ name }}\n")


def planned(draft):
    """The plan of a draft, or its faults."""
    return plan.plan(draft, message_domain="x.example", seed=b"seed")


def faults_of(**changes):
    """Where and why a changed draft is refused."""
    faults = planned(replace(DRAFT, **changes))
    assert isinstance(faults, tuple)
    return [(fault.field, fault.reason, fault.position) for fault in faults]


def test_variables():
    """A plan names every variable that one of its slots wants."""
    made = planned(replace(DRAFT, from_name="{{ a }}", html="<p>{{ b }}</p>"))
    assert isinstance(made, Plan)
    assert made.variables == {"name", "a", "b"}


def test_all_faults_at_once():
    """A bad draft is told everything that is wrong with it, field by field (promise 10)."""
    found = faults_of(
        from_address="nobody", reply_to="a@b@c.example", subject="a\nb {{", text="a\0", html="{{}}"
    )
    assert [(field, position) for field, _, position in found] == [
        ("subject", 1),
        ("subject", 4),
        ("from.address", None),
        ("reply_to", None),
        ("text", None),
        ("html", 0),
    ]


@pytest.mark.parametrize("field", ["from_address", "reply_to"])
@pytest.mark.parametrize("text", ["", "a@x.example\r\nBcc: v@x.example", "Ann <a@x.example>"])
def test_addresses_are_addresses(field, text):
    """What stands in an address field is one lawful address or a fault."""
    assert len(faults_of(**{field: text})) == 1


def test_addresses_go_as_labels():
    """An international domain is written as A-labels, as every server can read it."""
    made = planned(replace(DRAFT, from_address="shop@пример.example", reply_to="a@ПРИМЕР.example"))
    assert isinstance(made, Plan)
    assert made.sender.lines({}) == "From: shop@xn--e1afmkfd.example\r\n"
    assert made.closing.startswith("Reply-To: a@xn--e1afmkfd.example\r\n")


def test_no_content():
    """A draft without any body is a plan with nothing to send: recipients may bring theirs."""
    made = planned(replace(DRAFT, text=None))
    assert isinstance(made, Plan)
    assert made.bodies == ()


def test_own_body_replaces_both():
    """A recipient's own body stands alone: no alternative of it shows the common one (T064)."""
    common = planned(replace(DRAFT, html="<p>common</p>"))
    assert isinstance(common, Plan)
    for override in (Override(text="own"), Override(html="<p>own</p>")):
        own = plan.overridden(common, override)
        assert isinstance(own, Plan)
        assert own.draft.subject == DRAFT.subject
        octets = b"".join(body.octets({}) for body in own.bodies)
        assert b"own" in octets
        assert b"common" not in octets


def test_own_subject_keeps_the_body():
    """A recipient's own subject changes the subject and nothing else."""
    common = planned(DRAFT)
    assert isinstance(common, Plan)
    own = plan.overridden(common, Override(subject="Own"))
    assert isinstance(own, Plan)
    assert own.bodies == common.bodies
    assert own.subject.lines({}) == "Subject: Own\r\n"


def test_own_faults():
    """An override is held to the same law as a draft."""
    common = planned(DRAFT)
    assert isinstance(common, Plan)
    assert isinstance(plan.overridden(common, Override(text="{{")), tuple)


def test_the_host_is_ours():
    """A Message-ID's right-hand side that is no host name is a mistake of ours, and loud."""
    with pytest.raises(ValueError, match="host"):
        plan.plan(DRAFT, message_domain="x>\r\n", seed=b"seed")
