"""`deliveryd key`: tokens by which a dialect's requests say who asks.

They are made and taken back here, in the database itself, and not by request: a secret has no
business at the broker.
"""

import dataclasses
import difflib
import ipaddress
from datetime import UTC, datetime
from typing import Annotated, Literal

from cyclopts import Parameter

from daemon.cli import asking, configured, doors, names, ranges, typist, words
from daemon.cli.blocks import Facts, Table
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.directory import keys as making
from daemon.directory.keys import Revoked, Wanted
from daemon.store import keys
from daemon.store.keys import Key

_HEAD = ("key", "customer", "person", "token", "scopes", "from", "state", "last used")
_KNOWN_FOR = "Only this command, or family of commands (events); may be repeated. Else all."
_FROM = "Only from this network, 192.0.2.0/24; may be repeated. What comes by the queue has none."

Shown = Annotated[bool, Parameter(help="Those too that are over.", negative="", show_default=False)]


async def create(  # noqa: PLR0913 - each is an option
    *,
    customer: Annotated[
        int, Parameter(help="For whom it speaks.", validator=ranges.ID, show_default=False)
    ],
    person: Annotated[
        int | None, Parameter(help="Somebody of his, by number.", validator=ranges.ID)
    ] = None,
    login: Annotated[
        str, Parameter(help="The name that goes with it, if any does.", show_default=False)
    ] = "",
    scheme: Annotated[
        Literal["form_token"], Parameter(help="How a request brings it: as a field of its own.")
    ] = "form_token",
    scope: Annotated[
        tuple[str, ...], Parameter(help=_KNOWN_FOR, negative="", show_default=False)
    ] = (),
    source: Annotated[
        tuple[str, ...], Parameter(name="--from", help=_FROM, negative="", show_default=False)
    ] = (),
    expires: Annotated[
        str | None,
        Parameter(
            help="Until when: 2030-12-31T12:00:00+03:00, or +90d from now.",
            allow_leading_hyphen=True,
        ),
    ] = None,
    options: Options = DEFAULT,
) -> int:
    """Make a key, and show its token: this once, as only its hash is kept."""
    wanted = Wanted(
        customer=customer,
        person=person,
        scheme=scheme,
        login=login,
        scopes=tuple(map(_scope, scope)),
        sources=tuple(map(_network, source)),
        expires_at=_until(expires, datetime.now(UTC)),
    )
    settings = configured.settings(options)
    async with doors.postgres(settings) as store:
        key = await making.hash_key(store, settings.intake.hash_key.reveal())
        made = await making.create(store, wanted, key=key, by=typist.name())
    if made is None:
        whom = "" if person is None else f" with somebody of number {person}"
        raise Ended(f"there is no customer {customer}{whom}")
    rows = [("key", made.id), ("token", made.token)]
    document = {"key": made.id, "token": made.token, "expires_at": wanted.expires_at}
    Screen(options).show(document, [Facts(rows=rows), "The token isn't shown again."])
    return Exit.OK


async def show_all(
    *,
    customer: Annotated[
        int | None, Parameter(help="Only of this customer.", validator=ranges.ID)
    ] = None,
    all_: Annotated[Shown, Parameter(name="--all")] = False,
    page: Annotated[
        int, Parameter(help="Where to go on, as the last page said.", validator=ranges.ID)
    ] = 0,
    limit: Annotated[int, Parameter(help="Rows of a page.", validator=ranges.ROWS)] = 100,
    options: Options = DEFAULT,
) -> int:
    """List the keys; of a token its first characters are known."""
    async with doors.postgres(configured.settings(options)) as store:
        found = await keys.listed(store, customer, ended=all_, after=page, limit=limit)
    more = found[-1].id if len(found) == limit else None
    document = {"keys": [dataclasses.asdict(one) for one in found], "page": more}
    now = datetime.now(UTC)
    table = Table(head=_HEAD, rows=[_row(one, now) for one in found], empty="no key")
    Screen(options).show(document, [table, *([f"more: --page {more}"] if more else [])])
    return Exit.OK


def revoke(
    number: Annotated[int, Parameter(help="A key's number.", validator=ranges.ID)],
    /,
    *,
    yes: Annotated[bool, Parameter(help="Don't ask.", negative="", show_default=False)] = False,
    options: Options = DEFAULT,
) -> int:
    """Take a key back for good; within 5 s no instance takes it any more."""
    import asyncio  # noqa: PLC0415 - the question is asked before there is a loop

    asking.sure(f"Revoke key {number}? Whoever uses it is a stranger from then on.", yes=yes)
    done = asyncio.run(_revoked(number, options))
    if done in (Revoked.UNKNOWN, Revoked.CONFIGURED):
        raise Ended(f"key {number} {done.value}")
    unchanged = done is Revoked.BEFORE
    document = {"key": number, "revoked": True, "unchanged": unchanged}
    Screen(options).show(document, [f"key {number} {'was' if unchanged else 'is'} revoked"])
    return Exit.OK


async def _revoked(number: int, options: Options) -> Revoked:
    async with doors.postgres(configured.settings(options)) as store:
        return await making.revoke(store, number, by=typist.name())


def _scope(text: str) -> str:
    from daemon.mail.request.forms import FORMS  # noqa: PLC0415 - pydantic: one option needs it

    known = sorted({*FORMS, *(name.partition(".")[0] for name in FORMS)})
    if text not in known:
        near = difflib.get_close_matches(text, known, n=1)
        meant = f" Is it {near[0]}?" if near else ""
        raise Ended(f"--scope {text} is no command.{meant}", Exit.USAGE)
    return text


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        said = "is no network such as 192.0.2.0/24 or 2001:db8::/32"
        raise Ended(f"--from {text} {said}", Exit.USAGE) from None


def _until(text: str | None, now: datetime) -> datetime | None:
    until = None if text is None else names.moment(text, now)
    if until is not None and until <= now:
        raise Ended("--expires must lie ahead", Exit.USAGE)
    return until


def _row(one: Key, now: datetime) -> tuple[object, ...]:
    return (
        one.id,
        one.customer_id,
        one.person_id,
        f"{one.prefix or ''}…",
        " ".join(one.scopes) or "all",
        " ".join(one.sources) or "anywhere",
        _state(one, now),
        "never" if one.last_used_at is None else words.away(one.last_used_at, now),
    )


def _state(one: Key, now: datetime) -> str:
    if one.revoked_at is not None:
        return "revoked"
    if one.expires_at is None:
        return "configured" if one.origin == "config" else "good"
    return "expired" if one.expires_at <= now else f"good until {words.moment(one.expires_at)}"
