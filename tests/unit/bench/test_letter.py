"""What the bench asks for is what the cases say."""

import json

import pytest

from tests.bench import letter
from tests.bench.relay import SIZE
from tests.checker.asked import filled


@pytest.mark.parametrize("recipients", [1, 1000, 1001, 2500])
def test_a_campaign_comes_in_frames_that_name_everybody_once(recipients: int) -> None:
    """An open send, frames of a thousand, and a close with their number."""
    head, *frames, last = letter.campaign(recipients)
    addresses = [item["address"] for frame in frames for item in frame["items"]]
    assert head["open"]
    assert [frame["frame"] for frame in frames] == list(range(1, last["frames"] + 1))
    assert all(len(frame["items"]) <= letter.FRAME for frame in frames)
    assert len(addresses) == len(set(addresses)) == recipients
    assert len({body["request_id"] for body in (head, *frames, last)}) == 1


def test_each_request_is_a_job_of_its_own() -> None:
    """One recipient, another key, another address each."""
    bodies = [json.loads(letter.encoded(body)) for body in letter.requests(20)]
    items = [body["audience"][0]["items"] for body in bodies]
    assert all(len(one) == 1 for one in items)
    assert len({one[0]["address"] for one in items}) == 20
    assert len({body["request_id"] for body in bodies}) == 20


def test_the_letter_is_as_large_as_the_reference() -> None:
    """Both parts, filled in, and 600 octets around them: 4 KiB, give or take 3 %."""
    content, someone = letter.content(), letter.recipient(12345)
    parts = [filled(content[part], someone) for part in ("text", "html")]
    size = sum(len(part.replace("\n", "\r\n")) for part in parts) + 600
    assert abs(size - SIZE) < SIZE * 0.03
