"""Keys: the same request again gets the first answer again, another body under it a conflict."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from daemon.intake.ask import Ask, Terms, Verdict
from daemon.mail.refusal import Code, Fault, Refused
from daemon.store import accepting, door
from daemon.store.accepting import Key


async def claimed(
    session: door.Session, wanted: Mapping[Key, tuple[Ask, UUID | None]], terms: Terms
) -> tuple[dict[Key, int], dict[Key, Verdict]]:
    """Claims the keys of requests for the jobs they are about, if they are about jobs.

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


async def once(
    session: door.Session, ask: Ask, terms: Terms, carried_out: Callable[[], Awaitable[Verdict]]
) -> Verdict:
    """Carries a request out, if its key wasn't seen before; what was refused may come again."""
    if ask.key is None:
        return await carried_out()
    claims, seen = await claimed(session, {ask.key: (ask, None)}, terms)
    if ask.key in seen:
        return seen[ask.key]
    verdict = await carried_out()
    if isinstance(verdict.answer, Refused) or verdict.answer is None:
        await accepting.unclaim(session, list(claims.values()))
    else:
        await accepting.answer(session, [(claims[ask.key], ask.back.text(verdict.answer))])
    return verdict


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
