"""What a role must allow, said before anything about the content."""

from dataclasses import replace

import pytest

from daemon.directory.principals import Principal
from daemon.intake import plans, roles
from daemon.mail.refusal import Code, refused
from daemon.mail.request.forms import FORMS
from daemon.store.directory import Customer

ANN = Customer(id=1, name="Ann", timezone="UTC", status="active")
FULL, LOOK = 1, 2
UNFIT = refused(Code.PARAM_MISSING, "is required", field="address")
NEEDED = {
    "lists": "manage_lists",
    "suppressions": "manage_lists",
    "senders": "manage_transports",
    "campaigns": "send_emails",
    "directory": "system",
}
KEPT = [name for name in FORMS if name.partition(".")[0] in NEEDED]


def _said(command: str, who: Principal) -> str | None:
    unfit = replace(UNFIT, command=command)
    said = roles.forbidden(unfit, who) or plans.forbidden(unfit, who)
    return said and said.faults[0].code


@pytest.mark.parametrize("command", KEPT)
def test_who_keeps_what_is_a_customers(command: str) -> None:
    """Access 1 lets him do it, 2 look only; a customer as a whole may do whatever is his."""
    family, _, deed = command.partition(".")
    privilege, looks = NEEDED[family], deed in {"list", "get", "members"}
    for access, may in ((FULL, True), (LOOK, looks), (0, False)):
        who = Principal(customer=ANN, person_id=5, access={privilege: access})
        assert _said(command, who) == (None if may else "forbidden.role")
    assert _said(command, Principal(customer=ANN, person_id=5, access={})) == "forbidden.role"
    assert _said(command, Principal(customer=ANN)) is None


@pytest.mark.parametrize("command", KEPT)
def test_what_a_plan_denies(command: str) -> None:
    """A plan that denies the privilege lets one look only; a role that denies it is told first."""
    family, _, deed = command.partition(".")
    bare = replace(ANN, denied=frozenset({NEEDED[family]}))
    looks = deed in {"list", "get", "members"}
    assert _said(command, Principal(customer=bare)) == (None if looks else "forbidden.plan")
    nobody = Principal(customer=bare, person_id=5, access={})
    assert _said(command, nobody) == "forbidden.role"


@pytest.mark.parametrize("command", ["cancel", "pause", "resume", "reschedule", "doubt.resolve"])
def test_who_changes_mail(command: str) -> None:
    """T017: who may send takes it back as well, and nobody else, whatever he may look at."""
    assert _may(command, send_emails=FULL)
    assert not _may(command, send_emails=LOOK)
    assert not _may(command, view_reports=FULL, manage_lists=FULL)
    denied = replace(ANN, denied=frozenset({"send_emails", "act_for_subcustomers"}))
    assert _said(command, Principal(customer=denied)) is None


@pytest.mark.parametrize("command", ["status", "deliveries", "doubt.list", "events.replay"])
def test_who_asks_of_mail(command: str) -> None:
    """Looking at sending, or at reports, is enough; without any access one may not even look."""
    assert _may(command, send_emails=LOOK)
    assert _may(command, view_reports=LOOK)
    assert not _may(command, send_emails=0, manage_lists=FULL)


@pytest.mark.parametrize("command", ["subscribe", "unsubscribe"])
def test_who_changes_who_gets_any(command: str) -> None:
    """Whoever may send, or keep lists; who may look only says nothing of others."""
    assert _may(command, send_emails=FULL)
    assert _may(command, manage_lists=FULL)
    assert not _may(command, send_emails=LOOK, manage_lists=LOOK)


def test_every_command_needs_something() -> None:
    """There is none that a person without any privilege may ask for, but for those of credit.

    These look for the privilege themselves, since it depends on whose account it is.
    """
    assert {name for name in FORMS if _may(name)} == {"credit.get", "credit.topup"}


def _may(command: str, **access: int) -> bool:
    return _said(command, Principal(customer=ANN, person_id=5, access=access)) is None
