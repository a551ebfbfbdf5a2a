"""Parts on the wire."""

import email
import email.policy

from daemon.compose import identity, mime
from daemon.compose.bodies import Fixed


def leaf(text):
    """A plain part."""
    return mime.Leaf(content_type="text/plain; charset=utf-8", body=Fixed(data=text.encode()))


def parsed(part):
    """The part as the standard library reads it."""
    entity = mime.laid_out(part, boundary="b0")
    octets = entity.headers.encode() + b"\r\n" + b"".join(b.octets({}) for b in entity.bodies)
    return email.message_from_bytes(octets, policy=email.policy.default)


def test_nested():
    """A tree of parts is read back as the same tree, each leaf to its last octet."""
    inner = mime.Multipart(subtype="alternative", parts=(leaf("one\r\n"), leaf("--=_0_b0x\r\n")))
    message = parsed(mime.Multipart(subtype="mixed", parts=(inner, leaf("three\r\n"))))
    assert not [part.defects for part in message.walk() if part.defects]
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        *["text/plain"] * 3,
    ]
    leaves = [part.get_content() for part in message.walk() if not part.is_multipart()]
    assert leaves == ["one\r\n", "--=_0_b0x\r\n", "three\r\n"]


def test_fixed_neighbours_are_one():
    """What is the same for everybody is one piece, so that filling a plan joins few."""
    entity = mime.laid_out(
        mime.Multipart(subtype="alternative", parts=(leaf("a\r\n"), leaf("b\r\n"))), boundary="b"
    )
    assert len(entity.bodies) == 1


def test_identity():
    """Identities depend on the delivery, the job's seed and the texts, and on nothing else."""
    one = identity.message_id(1024, seed=b"s", domain="x.example")
    assert one.startswith("<1024.")
    assert one.endswith("@x.example>")
    assert one == identity.message_id(1024, seed=b"s", domain="x.example")
    assert one != identity.message_id(1024, seed=b"t", domain="x.example")
    assert identity.boundary("a", None, seed=b"s") == identity.boundary("a", None, seed=b"s")
    assert identity.boundary("a", None, seed=b"s") != identity.boundary("b", None, seed=b"s")
