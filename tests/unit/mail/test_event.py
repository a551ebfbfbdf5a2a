"""Events: what their doctests say."""

import doctest

from daemon.mail import event


def test_examples() -> None:
    """The examples in the docstrings hold."""
    assert doctest.testmod(event).failed == 0
