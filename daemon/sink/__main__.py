"""`python -m daemon.sink`: options, and one sink from its start to SIGTERM."""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

from daemon.sink import behaviour, mode
from daemon.sink.control import Control
from daemon.sink.inbox.box import Box
from daemon.sink.record import Recorder
from daemon.sink.server import Server, split
from daemon.sink.show import Show
from daemon.sink.sink import Settings, Sink, Witness
from daemon.sink.tls import Certificate

_WITHOUT_TLS = tuple(name for name in mode.CAPABILITIES if name != "starttls")
_USAGE, _DATA, _UNAVAILABLE = 2, 65, 69
"""Exit statuses, those of `deliveryd` (`daemon/cli/exits.py`), of which nothing is imported."""
_PORTS = 65_535
_LARGEST = 2**40
"""Octets of a message, more than any disk that a sink writes to."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sink; the exit status."""
    options = _parser().parse_args(arguments)
    if options.behaviours:
        sys.stdout.write(behaviour.table() + "\n")
        return 0
    with ExitStack() as closing:
        box = Box()
        try:
            script = options.script.read_text() if options.script else ""
            sink = _built(options, closing, box)
        except (OSError, ValueError) as refusal:  # a file that was named can't be used
            return _refused([refusal], _USAGE)
        except RuntimeError as refusal:
            return _refused([refusal], _UNAVAILABLE)
        return _run(sink, options, script, box)


def _run(sink: Sink, options: argparse.Namespace, script: str, box: Box) -> int:
    status = 0
    try:
        asyncio.run(_serve(sink, options, script, box))
    except* ValueError as refusals:  # a line of the script is none
        status = _refused(refusals.exceptions, _DATA)
    except* (OSError, RuntimeError) as refusals:  # such as an address that is in use
        status = _refused(refusals.exceptions, _UNAVAILABLE)
    return status


def _refused(refusals: Sequence[BaseException], status: int) -> int:
    sys.stderr.write("".join(f"sink: {refusal}\n" for refusal in refusals))
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deliveryd sink",
        description="A scripted SMTP server, which takes every mail and passes none on.",
        epilog="Example: deliveryd sink --listen 127.0.0.1:2525 --web 127.0.0.1:8025 --show",
    )
    add = parser.add_argument
    address: dict[str, Any] = {"type": _address, "metavar": "HOST:PORT"}
    add("--listen", default="127.0.0.1:0", **address, help="SMTP; port 0 for a free one")
    add("--control", **address, help="the control channel")
    add("--ready-file", type=Path, metavar="F", help="written with the addresses once they listen")
    add("--record", type=Path, metavar="F", help="one JSON line per message and refusal")
    add("--keep-bytes", action="store_true", help="the record holds each message, in base64")
    add("--count-only", action="store_true", help="fast: messages are counted, not looked into")
    add("--show", action="store_true", help="print one line per message and refusal")
    add("--web", **address, help="a web inbox: look at every mail in a browser")
    add("--script", type=Path, metavar="F", help="requests of the control channel, played at start")
    add("--capabilities", type=_names, default=_WITHOUT_TLS, metavar="A,B", help=_names.__doc__)
    add("--tls-cert", type=Path, metavar="F", help="PEM for STARTTLS; made by openssl if not given")
    add("--tls-key", type=Path, metavar="F", help="its key, if it is in another file")
    add("--user", type=_user, action="append", default=[], metavar="NAME:PASSWORD", help="for AUTH")
    add("--require-auth", action="store_true", help="530 to MAIL without AUTH")
    size = Settings().max_size
    add("--max-size", type=_size, default=size, metavar="N", help="octets of a message")
    add("--behaviours", action="store_true", help="print what words in an address do, and end")
    return parser


def _names(text: str) -> tuple[str, ...]:
    """What EHLO announces: pipelining,8bitmime,size,smtputf8,starttls,auth."""
    names = tuple(filter(None, text.split(",")))
    if unknown := set(names) - set(mode.CAPABILITIES):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
    return names


def _address(text: str) -> str:
    try:
        _, port = split(text)
    except ValueError as none:
        raise argparse.ArgumentTypeError(str(none)) from None
    if port > _PORTS:
        raise argparse.ArgumentTypeError(f"no port: {port}")
    return text


def _size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _LARGEST:
        raise argparse.ArgumentTypeError(f"not from 1 to {_LARGEST}: {text}")
    return int(text)


def _user(text: str) -> tuple[str, str]:
    name, colon, password = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError("not NAME:PASSWORD")
    return name, password


def _built(options: argparse.Namespace, closing: ExitStack, box: Box) -> Sink:
    witnesses: list[Witness] = [box] if options.web else []
    if options.record:
        recorder = Recorder(options.record, keep_bytes=options.keep_bytes)
        closing.callback(recorder.close)
        witnesses.append(recorder)
    if options.show:
        witnesses.append(Show())
    certificate = Certificate(options.tls_cert, options.tls_key)
    closing.callback(certificate.close)
    if "starttls" in options.capabilities:
        certificate.prepare()
    settings = Settings(
        max_size=options.max_size,
        users=dict(options.user),
        require_auth=options.require_auth,
        count_only=options.count_only,
    )
    return Sink(
        settings=settings,
        mode=mode.Mode(options.capabilities),
        clock=time.time,
        certificate=certificate,
        witnesses=tuple(witnesses),
    )


async def _serve(sink: Sink, options: argparse.Namespace, script: str, box: Box) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as tasks:
        smtp = Server(sink, tasks)
        control = Control(sink, smtp, tasks)
        async with AsyncExitStack() as closing:
            closing.push_async_callback(smtp.close)
            closing.callback(control.close)
            await smtp.listen(options.listen)
            if options.control:
                await control.listen(options.control)
            await control.run(script)
            ready = {"smtp": smtp.address}
            if options.web:
                ready["web"] = await _shown(box, options.web, closing)
            _tell(ready, sink, control, options.ready_file)
            await stop.wait()


async def _shown(box: Box, address: str, closing: AsyncExitStack) -> str:
    """The web inbox, and where it is."""
    # it needs more than the standard library, and nobody else here does
    from daemon.sink.inbox.pages import Listener  # noqa: PLC0415

    listener = Listener(box)
    closing.push_async_callback(listener.close)
    await listener.listen(address)
    return listener.address


def _tell(ready: dict[str, str], sink: Sink, control: Control, ready_file: Path | None) -> None:
    if control.address:
        ready["control"] = control.address
    if sink.certificate.path:
        ready["certificate"] = str(sink.certificate.path)
    line = json.dumps(ready) + "\n"
    if ready_file:  # renamed into place: whoever waits for the file finds it whole
        written = ready_file.with_name(ready_file.name + ".new")
        written.write_text(line)
        written.replace(ready_file)
    # last: whoever reads the line may look for the file
    sys.stdout.write(line)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
