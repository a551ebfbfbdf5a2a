"""`deliveryd sink`: the scripted SMTP server; it stands alone and has options of its own."""

from typing import Annotated

from cyclopts import Parameter

from daemon.sink import __main__ as program


def sink(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Run an SMTP server that takes every mail and passes none on; see `deliveryd sink --help`."""
    return program.main(arguments)
