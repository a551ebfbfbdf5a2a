"""CSV that comes in pieces becomes JSON Lines, wherever it is cut."""

import csv
import io
import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from daemon.directory import exporting
from daemon.mail.directory import entities

TEXTS = st.text(st.sampled_from('ab,"\n\\ü'), max_size=6)
ROWS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), max_size=5)


@given(rows=ROWS, cuts=st.lists(st.integers(0, 200), max_size=5))
def test_any_pieces(rows: list[tuple[str, ...]], cuts: list[int]) -> None:
    """Cells with line ends, quotes and letters of several octets are whole in the end."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([entities.UNSUBSCRIBE_TEXT.names, *rows])
    octets = text.getvalue().encode()
    found: list[bytes] = []
    turned = exporting._AsJson(entities.UNSUBSCRIBE_TEXT, found.append)
    places = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    for start, end in itertools.pairwise(places):
        turned.take(octets[start:end])
    lines = b"".join(found).decode().split("\n")[:-1]
    assert [tuple(json.loads(line).values()) for line in lines] == [
        tuple(cell or None for cell in row) for row in rows
    ]
