"""Keys: the same request again gets the first answer again, another body under it a conflict."""

from collections.abc import Mapping
from uuid import UUID

from daemon.intake.ask import Ask, Terms, Verdict
from daemon.mail.refusal import Code, Fault, Refused
from daemon.store import accepting, door
from daemon.store.accepting import Key


async def claimed(
    session: door.Session, wanted: Mapping[Key, tuple[Ask, UUID]], terms: Terms
) -> tuple[dict[Key, int], dict[Key, Verdict]]:
    """Claims the keys of requests for the jobs they are about.

    Answers the claims, and for each key that was seen before what is to be said to it.
    """
    if not wanted:
        return {}, {}
    claims = await accepting.claim(
        session,
        list(wanted),
        hashes=[ask.body_hash for ask, _ in wanted.values()],
        jobs=[job for _, job in wanted.values()],
        lifetime=terms.key_lifetime,
    )
    seen = [key for key in wanted if key not in claims]
    known = await accepting.known(session, seen) if seen else {}
    return claims, {key: _again(wanted[key][0], known[key]) for key in seen}


def conflict(ask: Ask) -> Verdict:
    """The key was used for something else."""
    fault = Fault(
        code=Code.DUPLICATE_REQUEST,
        field="request_id",
        message="was used for another request within its lifetime",
    )
    refused = Refused(faults=(fault,), command=ask.request.command, request_id=ask.request_id)
    return Verdict(result="conflict", answer=refused)


def _again(ask: Ask, known: accepting.Known) -> Verdict:
    if known.body_hash == ask.body_hash:
        return Verdict(result="repeated", repeated=known.answer)
    return conflict(ask)
