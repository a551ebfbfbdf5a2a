"""What tells one mail from another: the same for every attempt, never to be guessed (promise 2)."""

from hashlib import blake2b

_MARK_SIZE = 10
_BOUNDARY_SIZE = 12


def message_id(delivery_id: int, *, seed: bytes, domain: str) -> str:
    """The Message-ID of a delivery, in its angle brackets; the delivery's id can be read from it.

    `seed`: what belongs to the job alone and leaves us nowhere, 1 to 64 octets.
    """
    mark = blake2b(b"%d" % delivery_id, key=seed, digest_size=_MARK_SIZE).hexdigest()
    return f"<{delivery_id}.{mark}@{domain}>"


def boundary(*texts: str | None, seed: bytes) -> str:
    """What the boundary lines of a message with these texts hold, and so the texts can't."""
    octets = "\0".join(text or "" for text in texts).encode()
    return blake2b(octets, key=seed, digest_size=_BOUNDARY_SIZE).hexdigest()
