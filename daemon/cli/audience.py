"""`deliveryd audience explain`: whom a request would reach, by which term, and why not others."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import orjson
from cyclopts import Parameter

from daemon.cli import configured, doors, ranges, requests, send, story, verdicts, words
from daemon.cli.blocks import Block, Facts, Table
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.requests import Sending
from daemon.mail import counts

_REASONS = ("queued", *counts.DROPPED)


async def explain(
    file: Annotated[
        Path, Parameter(help="JSON request; - reads standard input.", allow_leading_hyphen=True)
    ],
    /,
    *,
    address: Annotated[
        str | None, Parameter(help="Why this address is in, or out: the path through the tree.")
    ] = None,
    sample: Annotated[
        int, Parameter(help="Name so many of those who would get a mail.", validator=ranges.SAMPLE)
    ] = 0,
    customer: Annotated[
        int | None,
        Parameter(help="As whom, if the broker user is in intake.trusted.", validator=ranges.ID),
    ] = None,
    seconds: Annotated[
        float,
        Parameter(
            name="--timeout", help="Seconds to wait for the answer.", validator=ranges.PATIENCE
        ),
    ] = 60.0,
    options: Options = DEFAULT,
) -> int:
    """Say whom a request would reach, without storing or sending anything.

    The audience is expanded as it would be and everything is undone: how many each term comes to,
    for which reason others don't get a mail, the price, the lane, and when it could be done.
    """
    settings = configured.settings(options)
    request = _asking(send.read(file), address, sample)
    voice = requests.voice(settings, customer, request)
    body = requests.spoken(voice, request)
    sending = Sending(body=body, message_id=str(uuid4()), seconds=seconds)
    async with doors.rabbitmq(settings) as conversation:
        answer = await requests.ask(conversation, settings, voice, sending)
    return verdicts.present(answer, lambda found: view(found, address), options)


def _asking(body: bytes, address: str | None, sample: int) -> bytes:
    """The request as a dry run that explains itself."""
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Ended(f"the file is no JSON: {error}", Exit.DATA) from None
    if not isinstance(request, dict):
        raise Ended("the file must hold one JSON object", Exit.DATA)
    wish = {"sample": sample} | ({} if address is None else {"address": address})
    return orjson.dumps(request | {"dry_run": True, "explain": wish})


def view(answer: dict[str, Any], address: str | None) -> list[Block]:
    """The explanation in tables."""
    found = answer.get("explained", {})
    shown: list[Block] = [
        f"would reach: {story.numbers(answer['counts'])}",
        *verdicts.warnings(answer),
        _terms(found.get("terms", [])),
        Facts(rows=[*_costs(answer), *_lane(found.get("lane", {}))]),
    ]
    if address is not None:
        shown.append(_ways(found.get("address", [])))
    if "sample" in found:
        rows = [(one["address"], words.way(one["path"])) for one in found["sample"]]
        shown.append(Table(head=("some of them", "by"), rows=rows, empty="nobody"))
    return shown


def _terms(terms: list[dict[str, Any]]) -> Table:
    used = [reason for reason in _REASONS if any(reason in term for term in terms)]
    rows = [
        (term["term"], term["type"], term["requested"], *(term.get(one, 0) for one in used))
        for term in terms
    ]
    return Table(head=("term", "type", "requested", *used), rows=rows, empty="no terms")


def _costs(answer: dict[str, Any]) -> list[tuple[str, object]]:
    if "cost" not in answer:
        return []
    return [("cost", f"{answer['cost']} {answer['currency']}, {answer['residual']} left after it")]


def _lane(lane: dict[str, Any]) -> list[tuple[str, object]]:
    if not lane:
        return []
    limits = f"{lane['connections']} connections"
    if lane["per_second"]:
        limits += f", {lane['per_second']:g} a second"
    rows: list[tuple[str, object]] = [
        ("leaves by", f"{lane['name']} (transport {lane['transport']}): {limits}"),
        ("due", words.moment(datetime.fromisoformat(lane["not_before"]))),
        ("before it", words.number(lane["ahead"], "delivery", "deliveries")),
    ]
    if lane["done_at_the_earliest"]:
        end = words.moment(datetime.fromisoformat(lane["done_at_the_earliest"]))
        late = "" if lane["in_time"] else "; that is after it expires"
        rows.append(("done at the earliest", f"{end}, by the lane's rate{late}"))
    return rows


def _ways(ways: list[dict[str, Any]]) -> Table:
    rows = [
        (one["outcome"], words.way(one["path"]), " → ".join(str(up["id"]) for up in one["branch"]))
        for one in ways
    ]
    return Table(head=("outcome", "by", "branch"), rows=rows, empty="it isn't in the audience")
