"""`deliveryd config show`: every setting, what it comes to, and where it was set."""

from typing import Annotated

from cyclopts import Parameter

from daemon import config
from daemon.cli import configured
from daemon.cli.blocks import Table
from daemon.cli.exits import Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen

_DEFAULT = "default"


def show(
    *,
    origin: Annotated[
        bool, Parameter(help="Also where each was set.", negative="", show_default=False)
    ] = False,
    non_default: Annotated[
        bool,
        Parameter(help="Only what differs from the default.", negative="", show_default=False),
    ] = False,
    options: Options = DEFAULT,
) -> int:
    """Show every setting as it counts; secrets are shown as ***.

    A default gives way to the file, that to `conf.d/*.toml` in order, those to the environment,
    and everything to --set.
    """
    loaded = configured.load(options)
    # by value: of a secret the text tells nothing
    differing = tuple(f"{one.key}." for one in config.changed(config.Config(), loaded.config))
    settings = [
        {"key": key, "value": value, "origin": str(loaded.origins.get(key, _DEFAULT))}
        for key, value in sorted(config.flat(loaded.config).items())
        if not non_default or f"{key}.".startswith(differing)
    ]
    head = ("key", "value", "origin") if origin else ("key", "value")
    rows = [
        (setting["key"], setting["value"], _brief(setting["origin"]))[: len(head)]
        for setting in settings
    ]
    table = Table(head=head, rows=rows, empty="all defaults")
    file = configured.settled(options).config
    Screen(options).show(
        {"settings": settings}, [f"read from {file}" if file else "no file is read", table]
    )
    return Exit.OK


def _brief(origin: str) -> str:
    """Where it was set, the file without its folder."""
    return origin.rpartition("/")[2]
