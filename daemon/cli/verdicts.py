"""What came back: the exit code that an answer means, and how it is told."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from daemon.cli.blocks import Block
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import Options
from daemon.cli.screen import Screen

_LATER = frozenset({"rate.limited"})
_OURS = frozenset({"internal"})
_DATA = frozenset(
    {"param.missing", "param.invalid", "audience.empty", "too_large", "bad_json", "bad_encoding"}
    | {"unknown.type", "unknown.command", "unsupported.version"}
)


def present(answer: Any, view: Callable[[Any], Iterable[Block]], options: Options) -> Exit:
    """Shows an answer; a refusal goes to standard error but for --json. The exit code of it.

    `view` is asked for the words of a yes only: a refusal has none of what it would tell.
    """
    code = of(answer)
    if code is Exit.OK:
        Screen(options).show(answer, view(answer))
    elif options.json:
        Screen(options).show(answer, [])
    else:
        raise refusal(answer)
    return code


def is_positive(answer: Any) -> bool:
    """Whether it is a yes in our own words."""
    return isinstance(answer, dict) and answer.get("ok") is True


def warnings(answer: Mapping[str, Any]) -> list[str]:
    """What the sender should know though it was done."""
    return [
        f"warning: {warning['field']}: {warning['message']}"
        for warning in answer.get("warnings", [])
    ]


def of(answer: Any) -> Exit:
    """The exit code that an answer means. An answer in foreign words counts as a yes."""
    if not isinstance(answer, dict) or answer.get("ok", True):
        return Exit.OK
    codes = {error["code"] for error in answer["errors"]}
    if codes <= _DATA:
        return Exit.DATA
    if codes <= _LATER:
        return Exit.TEMPORARY
    return Exit.SOFTWARE if codes <= _OURS else Exit.FAILED


def refusal(answer: Mapping[str, Any]) -> Ended:
    """Everything that was wrong, a line each."""
    said = [
        ": ".join(
            part for part in (error["field"], f"{error['message']} ({error['code']})") if part
        )
        for error in answer["errors"]
    ]
    return Ended("\n".join(f"refused: {line}" for line in said), of(answer))
