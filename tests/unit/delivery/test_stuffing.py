"""Dot-stuffing, as a server undoes it."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from daemon.mail.content import Content

LINES = st.lists(
    st.from_regex(rb"\.{0,3}[^\r\n\x00]{0,20}", fullmatch=True), min_size=1, max_size=12
)


@given(LINES)
@example([b"."])
@example([b"", b".", b".."])
def test_the_server_gets_what_we_meant(lines: list[bytes]) -> None:
    """Un-stuffed, the octets before the final dot are the content, and only one dot is final."""
    data = b"\r\n".join(lines) + b"\r\n"
    sent = Content(data=data).stuffed()
    body, end, rest = (b"\r\n" + sent).partition(b"\r\n.\r\n")
    assert (end, rest) == (b"\r\n.\r\n", b"")
    assert re.sub(rb"(\r\n)\.", rb"\1", body)[2:] + b"\r\n" == data
