"""`deliveryd completion` and `deliveryd man`: what shells and readers want to have installed."""

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from daemon.cli import shipped
from daemon.cli.exits import Exit
from daemon.cli.options import DEFAULT, Options


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="The shell.")],
    /,
    *,
    options: Options = DEFAULT,
) -> int:
    """Print the completion for a shell.

    bash: eval "$(deliveryd completion bash)" in ~/.bashrc, or into a file
    /etc/bash_completion.d/deliveryd; zsh: into a file _deliveryd in a folder of $fpath; fish: into
    ~/.config/fish/completions/deliveryd.fish.
    """
    return _printed(shipped.SHELLS[shell], options)


def man(*, options: Options = DEFAULT) -> int:
    """Print the manual page: deliveryd man | man -l -, or into share/man/man1/deliveryd.1."""
    return _printed(shipped.MANUAL, options)


def _printed(name: str, options: Options) -> int:
    if not options.quiet:
        sys.stdout.write(shipped.text(name))
    return Exit.OK
