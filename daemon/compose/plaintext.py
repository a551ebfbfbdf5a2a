"""The plain alternative of an HTML template, its slots kept in their places (Q20).

The words in reading order, a line for each block, the links' targets as numbered notes at the end.
"""

import re
from html.parser import HTMLParser

from daemon.compose import kept
from daemon.mail.template import Template

# A slot travels through the parser as its number between two code points that no text can hold.
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_MARK = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
_STRAY = re.compile(f"[{_OPEN}{_CLOSE}]")

# The parser takes quadratic time over tags, comments and quotes that never end (60 KB: a minute).
# So it is shown clean tags only; comments and broken tags go, any other `<` becomes text.
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(
    r"""<(?:(?P<clean>
            /?[A-Za-z][^\s/<>"'=]*+
            (?>(?:\s++[^\s/<>"'=]++(?>(?:\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'|[^\s<>"']++))?))*)
            \s*+/?+>
        )|(?P<broken>[A-Za-z/!?][^<>]*+>))?""",
    re.VERBOSE,
)

_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_BLANK_LINES = re.compile(r"\n{3,}")

_SILENT = frozenset({"head", "script", "style", "template", "title"})
_LINE = frozenset({"address", "br", "dd", "div", "dt", "li", "option", "td", "th", "tr"})
_PARAGRAPH = frozenset(
    {"article", "blockquote", "dl", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6"}
    | {"header", "hr", "main", "ol", "p", "pre", "section", "table", "ul"}
)
_LINK = ("http://", "https://", "mailto:", "tel:", _OPEN)


@kept.of_short
def plain(html: Template) -> Template:
    """A plain text template with the same words and slots; it ends in a line feed."""
    reader = _Reader()
    reader.feed(_readable(html))
    reader.close()
    pieces = _MARK.split(reader.text())
    return Template(
        literals=tuple(_STRAY.sub("", piece) for piece in pieces[::2]),
        slots=tuple(html.slots[int(number)] for number in pieces[1::2]),
    )


def _readable(html: Template) -> str:
    """The source with marks for its slots, and nothing in it that the parser would choke on."""
    pieces = [_STRAY.sub("", html.literals[0])]
    for number, literal in enumerate(html.literals[1:]):
        pieces += (f"{_OPEN}{number}{_CLOSE}", _STRAY.sub("", literal))
    return _TAG.sub(_shown, _COMMENT.sub("", "".join(pieces)))


def _shown(tag: re.Match[str]) -> str:
    if tag["clean"]:
        return tag[0]
    return "" if tag["broken"] else "&lt;"


class _Reader(HTMLParser):
    """Collects words, line ends and links as the parser comes past them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._notes: dict[str, int] = {}
        self._target = ""
        self._label_from = 0
        self._silent_in = ""

    def text(self) -> str:
        """All that was read, tidied, with the links' targets below it."""
        lines = (" ".join(line.split()) for line in "".join(self._pieces).split("\n"))
        body = _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()
        notes = "".join(f"[{number}] {target}\n" for target, number in self._notes.items())
        return f"{body}\n\n{notes}" if notes else f"{body}\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block starts a line, a link remembers where it leads, a picture speaks its name."""
        if tag in _SILENT and not self._silent_in:
            self._silent_in = tag
        elif tag == "body":
            self._silent_in = ""
        self._break(tag)
        values = dict(attrs)
        if tag == "a":
            self._target, self._label_from = _bare(values.get("href")), len(self._pieces)
        elif tag == "img":
            self.handle_data(values.get("alt") or "")
        elif tag == "li":
            self.handle_data("- ")

    def handle_endtag(self, tag: str) -> None:
        """A block ends its line, a link leaves its number."""
        if tag == self._silent_in:
            self._silent_in = ""
        elif tag == "a":
            self._note()
        elif tag != "br":
            self._break(tag)

    def handle_data(self, data: str) -> None:
        """Words, their white space folded as a browser would."""
        if not self._silent_in:
            self._pieces.append(_SPACE.sub(" ", data))

    def _break(self, tag: str) -> None:
        if not self._silent_in and (tag in _LINE or tag in _PARAGRAPH):
            self._pieces.append("\n\n" if tag in _PARAGRAPH else "\n")

    def _note(self) -> None:
        """A number behind the link's words, unless the words are its target."""
        target, self._target = self._target, ""
        if not target.startswith(_LINK) or self._silent_in:
            return
        label = "".join(self._pieces[self._label_from :]).strip()
        if label not in (target, target.removeprefix("mailto:")):
            number = self._notes.setdefault(target, len(self._notes) + 1)
            self._pieces.append(f" [{number}]")


def _bare(target: str | None) -> str:
    """A link's target on one line."""
    return "".join((target or "").split())
