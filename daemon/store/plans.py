"""What customers have used of their plans, in the periods that run."""

from collections.abc import Iterable, Mapping

from daemon.mail.limits import Usage
from daemon.store import door


async def usage(
    session: door.Session, wanted: Iterable[tuple[int, str]]
) -> dict[tuple[int, str], Usage]:
    """The usage of customers by period, locked; before any account of credit."""
    places = sorted(set(wanted))
    rows = await session.rows(
        "plan.usage", [customer for customer, _ in places], [period for _, period in places]
    )
    return {
        (row["customer_id"], row["period"]): Usage(
            requests=row["requests"], recipients=row["recipients"], ends=row["ends"]
        )
        for row in rows
    }


async def use(session: door.Session, used: Mapping[tuple[int, str], Usage]) -> None:
    """Writes what has been used by now."""
    await session.run(
        "plan.use",
        [customer for customer, _ in used],
        [period for _, period in used],
        [usage.requests for usage in used.values()],
        [usage.recipients for usage in used.values()],
    )
