"""The options that every command has, and the configuration that they lead to."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from daemon import config
from daemon.cli.exits import Ended, Exit

PLACES = (Path("/etc/deliveryd/config.toml"), Path("config.toml"))
"""Where the configuration is looked for when neither --config nor $DELIVERYD_CONFIG names it."""


@Parameter(name="*")
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


def load(options: Options) -> config.Loaded:
    """The configuration. `ConfigError` with everything that is wrong with it."""
    path = options.config or config.locate(os.environ, *PLACES)
    return config.load(path, environ=os.environ, overrides=overrides(options.set_))


def overrides(settings: tuple[str, ...]) -> dict[str, str]:
    """`section.key=value` as a mapping; a later one counts."""
    pairs = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not (key and equals):
            raise Ended("--set takes section.key=value", Exit.USAGE)
        pairs[key] = value
    return pairs
