"""All cases there are."""

from tests.bench import letter, listed, sightings
from tests.bench.campaign import campaign, frugal, memory
from tests.bench.case import Case, at_least
from tests.bench.single import prompt, requests, urgent

CASES = (
    Case(
        name="campaign",
        text="a campaign in frames, from its first publish to its last event",
        recipients=50_000,
        bodies=letter.campaign,
        run=campaign,
        promise=at_least(0.40),
        asked="ratio at least 0.40, aim 0.60",
    ),
    Case(
        name="requests",
        text="requests to one recipient each, which lie in the queue when the daemon starts",
        recipients=20_000,
        bodies=letter.requests,
        run=requests,
        promise=at_least(0.15),
        asked="ratio at least 0.15, aim 0.25",
    ),
    Case(
        name="urgent",
        text="single urgent requests, while bulk deliveries run and half as many requests wait",
        recipients=200_000,
        bodies=letter.campaign,
        run=urgent,
        promise=prompt,
        asked="median below 50 ms, 99th percentile below 1,000 ms",
        flags=sightings.flags,
        is_by_ratio=False,
    ),
    Case(
        name="memory",
        text="peak RSS of fresh daemons, with a campaign and with a tenth of it",
        recipients=200_000,
        bodies=letter.campaign,
        run=memory,
        promise=frugal,
        asked="peak RSS below 200 MB, and within 15 % of that with a tenth",
        is_by_ratio=False,
    ),
)
SOURCES = {
    "frames": CASES[0],
    "directory": Case(
        name="directory",
        text="a campaign to a list that was imported, between two in frames",
        recipients=50_000,
        bodies=letter.listed,
        run=listed.campaign,
        promise=listed.as_fast,
        asked=f"ratio at least {listed.LEAST:.2f}, and not slower than in frames",
        peopled=listed.peopled,
    ),
}
"""Where those come from whom a campaign is for."""
