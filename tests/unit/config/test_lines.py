"""On which line a key stands."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config import lines

TEXT = """# [comment]
top = 1

[log]
level = "info"   # level = 2
"quoted.name" = 1
dotted . deep = 2

[[row]]
id = 1
[[ row ]]  # the second
id = 2
items = [
  "a",
]
[delivery.timeouts]
dot = "1s"
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("top",), 2),
        (("log",), 4),
        (("log", "level"), 5),
        (("log", "quoted.name"), 6),
        (("log", "dotted", "deep"), 7),
        (("row", 0), 9),
        (("row", 0, "id"), 10),
        (("row", 1, "id"), 12),
        (("row", 1, "items"), 13),
        (("row", 1, "absent"), 11),
        (("delivery", "timeouts", "dot"), 17),
        (("delivery", "absent"), None),
    ],
)
def test_nearest(key, line):
    """A key has its own line, an absent one that of the table it would be in."""
    assert lines.nearest(lines.index(TEXT), key) == line


@given(st.lists(st.from_regex(r"[a-z]{1,5}", fullmatch=True), unique=True, max_size=20))
def test_every_key_is_found(names):
    """Every key of a plain text is found on the line it was written on."""
    text = "\n".join(f"{name} = 1" for name in names)
    assert lines.index(text) == {(name,): number for number, name in enumerate(names, 1)}


@pytest.mark.parametrize(("text", "line"), [("a = 1\nb = \n", 2), ('a = """\nx\n', 2), ("a", 1)])
def test_line_of_a_syntax_error(text, line):
    """The parser's own word for the place becomes a number, the end of the text too."""
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    assert lines.of_error(caught.value, text) == line
