"""The safeguards that mutants take out are where their list says."""

from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.safeguards import SAFEGUARDS, Safeguard

TOP = Path(__file__).parents[3]


@pytest.mark.parametrize("one", SAFEGUARDS, ids=lambda one: one.name)
def test_each_is_there_and_has_its_tests(one: Safeguard) -> None:
    """Each text stands in its file exactly once, and the tests that would miss it exist.

    Else `deploy/chaos mutants`, which is run by hand, would find out long after.
    """
    for edit in one.edits:
        assert (TOP / edit.path).read_text(encoding="utf-8").count(edit.text) == 1, edit
        assert edit.text != edit.instead
    assert all((TOP / test.partition("::")[0]).exists() for test in one.tests)


def test_no_two_have_a_name() -> None:
    """A name picks one of them."""
    assert not [
        name for name, number in Counter(one.name for one in SAFEGUARDS).items() if number > 1
    ]
