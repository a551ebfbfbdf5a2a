"""The tree of parts and how it lies on the wire (RFC 2046 5.1)."""

from collections.abc import Iterable
from dataclasses import dataclass

from daemon.compose.bodies import Body, Fixed


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A part with a body of its own."""

    content_type: str
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Multipart:
    """A part made of parts."""

    subtype: str
    parts: "tuple[Part, ...]"


Part = Leaf | Multipart


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A part laid out: its header lines, and the bodies that follow the empty line, in order."""

    headers: str
    bodies: tuple[Body, ...]


def laid_out(part: Part, *, boundary: str, depth: int = 0) -> Entity:
    """The part for the wire; `boundary` is in no body, and the depth keeps nested ones apart."""
    if isinstance(part, Leaf):
        encoding = f"Content-Transfer-Encoding: {part.body.encoding}\r\n"
        headers = f"Content-Type: {part.content_type}\r\n{encoding}"
        return Entity(headers=headers, bodies=(part.body,))
    # `=_` is in no quoted-printable and no base64 (RFC 2045 6.7).
    line = f"=_{depth}_{boundary}"
    bodies: list[Body] = []
    for inner in part.parts:
        entity = laid_out(inner, boundary=boundary, depth=depth + 1)
        # The line end before a boundary is the boundary's, and the first one has the header's.
        opening = "\r\n" if bodies else ""
        bodies += (_fixed(f"{opening}--{line}\r\n{entity.headers}\r\n"), *entity.bodies)
    return Entity(
        headers=f'Content-Type: multipart/{part.subtype};\r\n boundary="{line}"\r\n',
        bodies=tuple(_merged([*bodies, _fixed(f"\r\n--{line}--\r\n")])),
    )


def _fixed(text: str) -> Fixed:
    return Fixed(data=text.encode("ascii"))


def _merged(bodies: Iterable[Body]) -> list[Body]:
    """The same octets in fewer pieces: neighbours that are the same for everybody become one."""
    merged: list[Body] = []
    for body in bodies:
        last = merged[-1] if merged else None
        if isinstance(last, Fixed) and isinstance(body, Fixed):
            merged[-1] = Fixed(data=last.data + body.data)
        else:
            merged.append(body)
    return merged
