"""An import in the database: rows wait in temporary tables, are judged there, and merged.

All of it in one transaction, which takes what waited with it: a killed import leaves nothing. Each
step is one statement over a whole file, so a million rows are no more round trips than one.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import asyncpg

from daemon.store import door


class Overtaken(Exception):
    """Somebody changed meanwhile what the import had looked at; nothing of it was stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The statements of one entity, in their order."""

    create: str
    prepare: tuple[str, ...] = ()
    """Recognise what is there, give numbers to what isn't."""
    keep: str = ""
    """Takes over what the file has no column for; $1 is the columns that it has."""
    complete: tuple[str, ...] = ()
    judge: tuple[str, ...] = ()
    merge: str
    """Answers how many were inserted, and how many updated."""
    follow: tuple[str, ...] = ()
    """What hangs on the rows."""
    sequence: str = ""
    """Which gives ids to rows that bring none."""

    @property
    def table(self) -> str:
        """Where the rows wait."""
        return self.create.partition(".")[0]


STEPS: Mapping[str, Steps] = MappingProxyType(
    {
        "role": Steps(
            create="staged_role.create",
            prepare=("staged_role.recognise", "staged_role.number"),
            keep="staged_role.keep",
            judge=("staged_role.judge",),
            merge="staged_role.merge",
            follow=("staged_role.revoke", "staged_role.grant"),
            sequence="role_id_seq",
        ),
        "customer": Steps(
            create="staged_customer.create",
            keep="staged_customer.keep",
            complete=("staged_customer.hang",),
            judge=("staged_customer.judge", "staged_customer.judge_tree"),
            merge="staged_customer.merge",
            sequence="customer_number",
        ),
        "plan": Steps(
            create="staged_plan.create",
            prepare=("staged_plan.recognise", "staged_plan.number"),
            keep="staged_plan.keep",
            judge=("staged_plan.judge",),
            merge="staged_plan.merge",
            follow=("staged_plan.revoke", "staged_plan.grant", "staged_customer.plan"),
            sequence="rate_plan_id_seq",
        ),
        "person": Steps(
            create="staged_person.create",
            prepare=("staged_person.recognise", "staged_person.number"),
            keep="staged_person.keep",
            complete=("staged_person.find_role",),
            judge=("staged_person.judge",),
            merge="staged_person.merge",
            follow=("staged_person.forget_addresses", "staged_person.address"),
            sequence="person_id_seq",
        ),
        "agent": Steps(
            create="staged_agent.create",
            keep="staged_agent.keep",
            judge=("staged_agent.judge",),
            merge="staged_agent.merge",
        ),
        "billing_contact": Steps(
            create="staged_billing_contact.create",
            prepare=("staged_billing_contact.recognise", "staged_billing_contact.number"),
            keep="staged_billing_contact.keep",
            judge=("staged_billing_contact.judge",),
            merge="staged_billing_contact.merge",
            sequence="billing_contact_id_seq",
        ),
        "contact": Steps(
            create="staged_contact.create",
            prepare=("staged_contact.recognise", "staged_contact.recognise_phones"),
            keep="staged_contact.keep",
            judge=(
                "staged_contact.judge",
                "staged_contact.judge_repeats",
                "staged_contact.judge_repeated_addresses",
                "staged_contact.judge_repeated_phones",
            ),
            merge="staged_contact.merge",
            sequence="contact_id_seq",
        ),
        "list": Steps(
            create="staged_list.create",
            prepare=("staged_list.recognise", "staged_list.number"),
            keep="staged_list.keep",
            judge=("staged_list.judge",),
            merge="staged_list.merge",
            sequence="list_id_seq",
        ),
        "list_member": Steps(
            create="staged_list_member.create",
            prepare=("staged_list_member.recognise", "staged_list_member.recognise_phones"),
            keep="staged_list_member.keep",
            judge=("staged_list_member.judge", "staged_list_member.judge_repeats"),
            merge="staged_list_member.merge",
        ),
        "suppression": Steps(
            create="staged_suppression.create",
            keep="staged_suppression.keep",
            judge=("staged_suppression.judge", "staged_suppression.judge_repeats"),
            merge="staged_suppression.merge",
        ),
        "sender": Steps(
            create="staged_sender.create",
            keep="staged_sender.keep",
            judge=("staged_sender.judge",),
            merge="staged_sender.merge",
            sequence="custom_sender_id_seq",
        ),
        "campaign": Steps(
            create="staged_campaign.create",
            keep="staged_campaign.keep",
            judge=("staged_campaign.judge",),
            merge="staged_campaign.merge",
            sequence="campaign_id_seq",
        ),
        "unsubscribe_text": Steps(
            create="staged_unsubscribe_text.create",
            judge=("staged_unsubscribe_text.judge",),
            merge="staged_unsubscribe_text.merge",
        ),
    }
)
"""By entity, whoever is named before whoever names him."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What became of the rows of one file."""

    inserted: int
    updated: int
    rejected: int


async def begun(session: door.Session) -> None:
    """Waits for another import to end, and makes room for the rows."""
    await session.run("import.lock")
    await session.run("import.roomy")
    await session.run("import.create")
    for steps in STEPS.values():
        await session.run(steps.create)


async def stage(
    session: door.Session, entity: str, columns: Sequence[str], lines: AsyncIterable[bytes]
) -> None:
    """Takes the lines of a COPY for the rows of one entity."""
    await session.copy_text(STEPS[entity].table, columns, lines)


async def judged(session: door.Session, entities: Mapping[str, Sequence[str]]) -> None:
    """Finds every row that names what isn't there, or breaks a law beside the others.

    `entities`: those that may depend on each other, with the columns of their files. A row that is
    rejected may leave another one without what it names, so they are asked until all is quiet.
    """
    for entity, columns in entities.items():
        steps = STEPS[entity]
        for name in steps.prepare:
            await session.run(name)
        if steps.keep:
            await session.run(steps.keep, columns)
        for name in steps.complete:
            await session.run(name)
    judges = [name for entity in entities for name in STEPS[entity].judge]
    while sum([await session.run(name) for name in judges]) and len(entities) > 1:
        pass


async def merged(session: door.Session, entity: str, *, has_ids: bool) -> Merged:
    """Stores the rows of an entity that are sound. Raises `Overtaken`."""
    steps = STEPS[entity]
    with _alone():
        row = await session.row(steps.merge)
        for name in steps.follow:
            await session.run(name)
    if steps.sequence and has_ids:
        await session.run("import.beyond", steps.table, steps.sequence)
    rejected = await session.value("import.rejected", steps.table)
    return Merged(rejected=rejected, **dict(row or {}))


async def faults(session: door.Session, entity: str) -> AsyncIterator[tuple[int, str]]:
    """Line and faults of every row that was rejected, in the order of the file."""
    async for row in session.each("import.faults", STEPS[entity].table):
        yield row["line"], row["fault"]


def in_order(entities: Iterable[str]) -> list[str]:
    """Entities in the order of their dependence."""
    wanted = set(entities)
    return [entity for entity in STEPS if entity in wanted]


@contextmanager
def _alone() -> Iterator[None]:
    """What was sound when it was judged, and isn't now, was changed by somebody else meanwhile."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        law = error.constraint_name or error.column_name or "a law"
        raise Overtaken(
            f"{law} would be broken by now: somebody changes the directory too"
        ) from error
