"""`deliveryd campaign`: what mailings share, and how they stand; made, and switched off and on."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from daemon.cli import configured, control, doors, paged, ranges, story, words
from daemon.cli.blocks import Facts, Table
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.store import campaigns
from daemon.store.campaigns import Campaign

_HEAD = ("campaign", "customer", "name", "type", "active", "sender", "transport", "since")
_CONTENT = frozenset({"subject", "html"})

Number = Annotated[int, Parameter(help="The number of a campaign.", validator=ranges.ID)]


async def show_all(
    *,
    customer: Annotated[
        int | None, Parameter(help="Only of this customer.", validator=ranges.ID)
    ] = None,
    active: Annotated[bool | None, Parameter(help="Only those that are on, or off.")] = None,
    page: Annotated[
        int, Parameter(help="Where to go on, as the last page said.", validator=ranges.ID)
    ] = 0,
    limit: Annotated[int, Parameter(help="Rows of a page.", validator=ranges.ROWS)] = 100,
    options: Options = DEFAULT,
) -> int:
    """List the campaigns, without their content."""
    async with doors.postgres(configured.settings(options)) as store, store.session() as session:
        found = await campaigns.all_of(session, customer, active=active, after=page, limit=limit)
    rows = [
        (one.id, one.customer, one.name, one.type, one.active, one.sender, one.transport,
         words.moment(one.created_at))
        for one in found
    ]  # fmt: skip
    documents = [
        {name: value for name, value in _document(one).items() if name not in _CONTENT}
        for one in found
    ]
    paged.show(
        "campaigns", documents, Table(head=_HEAD, rows=rows, empty="no campaign"), limit, options
    )
    return Exit.OK


async def show(number: Number, /, *, options: Options = DEFAULT) -> int:
    """Show one, with its content, and how the jobs under it stand."""
    async with doors.postgres(configured.settings(options)) as store, store.session() as session:
        found = await campaigns.one(session, number)
        booked = await campaigns.booked(session, None, number)
    if found is None:
        raise Ended(f"there is no campaign {number}")
    document = _document(found)
    shown = document | {"created_at": words.moment(found.created_at)}
    states = ", ".join(f"{count:,} {state}" for state, count in booked.jobs.items())
    facts = [(name.replace("_", " "), value) for name, value in shown.items()]
    Screen(options).show(
        {**document, "jobs": dict(booked.jobs), "counts": dict(booked.numbers)},
        [Facts(rows=[*facts, ("jobs", states or "none")]), story.numbers(booked.numbers)],
    )
    return Exit.OK


async def create(  # noqa: PLR0913 - each is an option
    name: Annotated[str, Parameter(help="What people call it.")],
    /,
    *,
    subject: Annotated[
        str | None, Parameter(help="For mail that brings none; {{ vars }} as everywhere.")
    ] = None,
    html: Annotated[str | None, Parameter(help="HTML body for mail that brings none.")] = None,
    sender: Annotated[
        int | None, Parameter(help="Whom mail is from that doesn't say.", validator=ranges.ID)
    ] = None,
    transport: Annotated[
        int | None, Parameter(help="By which it goes, if it doesn't say.", validator=ranges.ID)
    ] = None,
    type_: Annotated[
        Literal["simple", "other"],
        Parameter(name="--type", help="Jobs are booked under simple ones only."),
    ] = "simple",
    active: Annotated[bool, Parameter(help="Whether jobs may be booked under it now.")] = True,
    customer: Annotated[
        int | None, Parameter(help="Whose; else whom we speak for.", validator=ranges.ID)
    ] = None,
    options: Options = DEFAULT,
) -> int:
    """Make a campaign, under which jobs are booked: `campaign_id` of a request."""
    content = {"subject": subject, "html": html, "sender": sender, "transport": transport}
    given = {key: value for key, value in content.items() if value is not None}
    return await control.asked(
        "campaigns.create",
        customer,
        options=options,
        name=name,
        type=type_,
        active=active,
        **given,
    )


async def activate(number: Number, /, *, options: Options = DEFAULT) -> int:
    """Let jobs be booked under one, from now on."""
    return await _switched("campaigns.activate", number, options)


async def deactivate(number: Number, /, *, options: Options = DEFAULT) -> int:
    """Let no more jobs be booked under one; what was accepted goes on."""
    return await _switched("campaigns.deactivate", number, options)


async def _switched(command: str, number: int, options: Options) -> int:
    async with doors.postgres(configured.settings(options)) as store, store.session() as session:
        owner = await campaigns.owner(session, number)
    if owner is None:
        raise Ended(f"there is no campaign {number}")
    return await control.asked(command, owner, options=options, campaign=number)


def _document(campaign: Campaign) -> dict[str, Any]:
    fields = asdict(campaign)
    return {"campaign": fields.pop("id"), **fields}
