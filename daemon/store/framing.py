"""Frames of open jobs: the lock that orders them, those that came early, what closes a job."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from daemon.mail.standing import JobNow
from daemon.store import door, settling


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJob:
    """The job that a frame or a close is for."""

    id: UUID
    open: bool
    state: str
    frames: int
    """How many are in."""
    frames_expected: int | None
    """As a close has announced."""
    message_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A frame or a close that came before its send."""

    customer_id: int
    request_id: str
    part: int
    body_hash: bytes
    body: bytes
    reply_to: str | None
    correlation_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Early:
    """What waits for a send that hasn't come."""

    customer_id: int
    parts: list[int]
    """Numbers of frames; -1 = the close."""
    expires_at: datetime


async def early(store: door.Store, request_id: str) -> list[Early]:
    """What came before its send, under a request id of any customer."""
    return [Early(**dict(row)) for row in await store.rows("operator.early", request_id)]


async def lock(session: door.Session, customer: int, request_id: str) -> None:
    """One at a time for one request id; to be taken before any row but the stream's."""
    await session.run("frame.lock", customer, request_id)


async def job(
    session: door.Session, customer: int, request_id: str, *, lifetime: float
) -> OpenJob | None:
    """The job of a request id; one that was closed longer than `lifetime` seconds ago is over."""
    row = await session.row("frame.job", customer, request_id, lifetime)
    return OpenJob(**dict(row)) if row else None


async def share(session: door.Session, customer: int) -> None:
    """Nobody pauses or resumes the customer until this is committed; to be taken before his job."""
    await session.run("frame.customer", customer)


async def hold(session: door.Session, job: UUID) -> None:
    """Locks a job, for whoever closes it."""
    await session.run("frame.hold", job)


async def keep(session: door.Session, frame: Kept, *, lifetime: float) -> bool:
    """Keeps a frame; False when its number was kept with another body."""
    row = await session.row(
        "frame.keep",
        frame.customer_id,
        frame.request_id,
        frame.part,
        frame.body_hash,
        frame.body,
        frame.reply_to,
        frame.correlation_id,
        lifetime,
    )
    return row is not None


async def following(session: door.Session, customer: int, request_id: str) -> Kept | None:
    """The next frame that was kept, taken; a close is the last."""
    row = await session.row("frame.next", customer, request_id)
    return Kept(**dict(row)) if row else None


async def left(store: door.Store) -> list[tuple[int, str]]:
    """For which open jobs (customer, request id) frames are still kept."""
    rows = await store.rows("frame.due")
    return [(row["customer_id"], row["request_id"]) for row in rows]


async def expired(session: door.Session) -> list[Kept]:
    """Takes frames whose send didn't come in time."""
    return [Kept(**dict(row)) for row in await session.rows("frame.expired")]


async def enter(session: door.Session, job: UUID, *, open_timeout: float) -> None:
    """One frame more is in."""
    await session.run("frame.enter", job, open_timeout)


async def asked(session: door.Session, job: UUID) -> int:
    """How many recipients a locked job was asked for so far."""
    number: int = await session.value("frame.asked", job)
    return number


async def close(session: door.Session, job: UUID, frames: int) -> bool:
    """Announces how many frames there are; answers whether the job is closed by it."""
    is_open: bool = await session.value("frame.close", job, frames)
    return not is_open


async def left_open(session: door.Session) -> list[tuple[UUID, int]]:
    """Jobs that nobody closed in time, with how many frames are in; locked."""
    return [(row["id"], row["frames"]) for row in await session.rows("frame.left_open")]


async def standing(session: door.Session, job: UUID) -> JobNow:
    """How a job stands that is locked already."""
    rows = await session.rows("settle.jobs", [job])
    return settling.job_from(rows[0])
