"""The options that every command has."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter


@Parameter(name="*", group=Group("Every command", sort_key=9))
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What every command understands."""

    config: Annotated[
        Path | None,
        Parameter(
            help="Configuration file; else $DELIVERYD_CONFIG,"
            " /etc/deliveryd/config.toml, ./config.toml."
        ),
    ] = None
    set_: Annotated[
        tuple[str, ...],
        Parameter(
            name="--set",
            help="Another value for one key: section.key=value. May be repeated.",
            negative="",
            show_default=False,
        ),
    ] = ()
    json: Annotated[
        bool, Parameter(help="One JSON document instead of text.", negative="", show_default=False)
    ] = False
    quiet: Annotated[
        bool,
        Parameter(
            name=("--quiet", "-q"),
            help="Nothing on standard output; the exit code tells.",
            negative="",
            show_default=False,
        ),
    ] = False


DEFAULT = Options()
