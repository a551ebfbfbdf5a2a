"""`deliveryd check-config`: all that is wrong with the configuration, or what it comes to."""

from typing import Annotated

from cyclopts import Parameter

from daemon import config
from daemon.cli import configured
from daemon.cli.blocks import Table
from daemon.cli.exits import Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen


def check_config(
    *,
    show: Annotated[
        bool,
        Parameter(help="Also what was set, and where.", negative="", show_default=False),
    ] = False,
    options: Options = DEFAULT,
) -> int:
    """Check the configuration; exit 78 with file, line and key if it can't be used.

    Secrets are shown as ***.
    """
    loaded = configured.load(options)
    values = config.flat(loaded.config)
    settings = [
        {"key": key, "value": values.get(key, ""), "origin": str(origin)}
        for key, origin in sorted(loaded.origins.items())
    ]
    view: list[str | Table] = []
    if show:
        rows = [tuple(setting.values()) for setting in settings]
        view.append(Table(head=("key", "value", "origin"), rows=rows, empty="all defaults"))
    Screen(options).show({"ok": True, "settings": settings}, [*view, "the configuration is fine"])
    return Exit.OK
