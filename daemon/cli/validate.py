"""`deliveryd validate`: whether a request is well formed, without sending it anywhere."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from daemon.cli import configured, verdicts, words
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.cli.send import read
from daemon.config import values
from daemon.dialects import DIALECTS
from daemon.intake import reading
from daemon.mail.refusal import NotARequest, Refused
from daemon.mail.request import answers, decode, parcel
from daemon.mail.request.decode import Decoded
from daemon.mail.request.parcel import Label
from daemon.mail.request.recipients import Recipients
from daemon.mail.request.rules import Setting
from daemon.mail.request.send import Send


def validate(
    file: Annotated[
        Path, Parameter(help="JSON request; - reads standard input.", allow_leading_hyphen=True)
    ],
    /,
    *,
    type: Annotated[  # noqa: A002 - as AMQP calls it
        str | None, Parameter(help="Dialect of the file, such as smsby.")
    ] = None,
    timezone: Annotated[
        str, Parameter(help="The customer's zone, for dialects whose times have none.")
    ] = "UTC",
    options: Options = DEFAULT,
) -> int:
    """Check a request as intake will; exit 65 with everything that is wrong with it.

    Nothing is sent. Whether addresses are valid is counted, as it is no fault of the request; who
    asks and what is stored already isn't looked at: for that, send it with `dry_run`.
    """
    setting = Setting(now=datetime.now(UTC), rules=reading.rules(configured.settings(options)))
    found = judged(read(file), type, timezone, setting)
    if isinstance(found, Decoded):
        Screen(options).show({"v": 1, "ok": True, "command": found.request.command}, _view(found))
        return Exit.OK
    return verdicts.present(answers.document(found), lambda _: [], options)


def judged(
    body: bytes, kind: str | None, timezone: str, setting: Setting
) -> Decoded | Refused | NotARequest:
    """What intake would make of a body."""
    if kind is None:
        return decode.native(body, Label(), setting)
    if kind not in DIALECTS:
        raise Ended(f"--type {kind}: the dialects are {', '.join(DIALECTS)}", Exit.USAGE)
    fields = parcel.read(body, Label(), limit=setting.rules.body)
    if isinstance(fields, NotARequest):
        return fields
    return DIALECTS[kind].parse(fields, zone=_zone(timezone), setting=setting)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(values.zone(name))
    except ValueError as error:
        raise Ended(f"--timezone {name}: {error}", Exit.USAGE) from None


def _audience(request: Send) -> str:
    """Whom it names; whoever the directory means isn't looked up here."""
    named = sum(1 for _ in request.recipients)
    meant = sum(1 for term in request.audience if not isinstance(term, Recipients))
    said = [words.number(named, "recipient")] if named or not meant else []
    if meant:
        said.append(words.number(meant, "term of the directory", "terms of the directory"))
    return " and ".join(said)


def _view(found: Decoded) -> list[str]:
    request = found.request
    said = f"valid: {request.command}"
    if isinstance(request, Send):
        said += f" to {_audience(request)}"
    return [said, *(f"warning: {notice.field}: {notice.message}" for notice in found.notices)]
