"""The waits that servers ask for in words."""

import pytest

from daemon.mail import hint
from daemon.mail.reply import Reply


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Greylisted, try again in 300 seconds", 300),
        ("Greylisted for 5 minutes (12)", 300),
        ("Please try again in 1 minute", 60),
        ("retry after 2 hours", 7200),
        ("Greylisting in action, please come back in 00:04:59", 299),
        ("come back in 04:59", 299),
        ("wait 60s", 60),
        ("please wait at least 10 mins", 600),
        ("try again in about 5 min.", 300),
        ("Try again later", None),
        ("queue 300 seconds", None),
        ("Greylisted, see http://greylist.test/help/4711.html", None),
        ("rate limit 100 per hour exceeded, session 12:30:10", None),
        ("try again in 300 seconds-ish", 300),
        ("in 99999999 seconds", None),
        ("", None),
    ],
)
def test_table(text: str, seconds: float | None) -> None:
    """Only a wait that is said to be one is taken for one."""
    assert hint.retry_after(Reply(code=451, text=text)) == seconds


def test_only_a_passing_refusal_can_ask_for_patience() -> None:
    """Neither a success nor a final no is waited for."""
    for code in (250, 550):
        assert hint.retry_after(Reply(code=code, text="try again in 300 seconds")) is None
