"""The configuration that a command runs under: the file, and what its options change.

Reading it takes pydantic, the slowest import of all: a command that is only asked for its --help
doesn't wait for it.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.cli.exits import Ended, Exit
from daemon.cli.options import Options

if TYPE_CHECKING:
    from daemon import config

PLACES = (Path("/etc/deliveryd/config.toml"), Path("config.toml"))
"""Where the configuration is looked for when neither --config nor $DELIVERYD_CONFIG names it."""


def load(options: Options) -> "config.Loaded":
    """The configuration and where it was set. `ConfigError` with all that is wrong with it."""
    from daemon import config  # noqa: PLC0415 - see above

    path = settled(options).config
    return config.load(path, environ=os.environ, overrides=overrides(options.set_))


def settled(options: Options) -> Options:
    """The same with the file found: one that vanishes later is a flaw, not another choice."""
    from daemon import config  # noqa: PLC0415 - see above

    return replace(options, config=options.config or config.locate(os.environ, *PLACES))


def settings(options: Options) -> "config.Config":
    """The configuration alone."""
    return load(options).config


def overrides(settings: tuple[str, ...]) -> dict[str, str]:
    """`section.key=value` as a mapping; a later one counts."""
    pairs = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not (key and equals):
            raise Ended("--set takes section.key=value", Exit.USAGE)
        pairs[key] = value
    return pairs
