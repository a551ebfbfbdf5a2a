"""`deploy/servers`, as typed: verbs, options, tables and exit statuses."""

import argparse
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from . import postgres, prepare, processes, progress, rabbitmq, servers, state
from .failures import Failed, Unavailable

REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXITS = "exit status: 0 done, 1 failed, 2 wrong usage, 69 not there (or not running)"


def main(arguments: Sequence[str]) -> int:
    """Do what was typed and return the exit status."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    options.rest = rest
    if rest and options.verb not in {_psql, _rabbitmqctl}:
        parser.error(f"unknown: {' '.join(rest)}")
    return guarded(lambda: int(options.verb(options, state.folder(options.dir))))


def guarded(work: Callable[[], int]) -> int:
    """Run to the exit status; a failure becomes one message, every request to end is a Ctrl-C."""
    for request in REQUESTS:
        signal.signal(request, _interrupt)
    try:
        return work()
    except Failed as failure:
        print(f"deploy: {failure}", file=sys.stderr)
        return failure.status
    except KeyboardInterrupt:
        print("deploy: interrupted", file=sys.stderr)
        return 130


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for request in REQUESTS:
        # what follows is clearing up, within deadlines of its own: nothing cuts it short
        signal.signal(request, signal.SIG_IGN)
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy/servers",
        description="A private Postgres and a private RabbitMQ on free loopback ports.",
        epilog=EXITS,
    )
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("--dir", help="the state folder (default: $DELIVERYD_STATE, else .state)")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    for name, verb, text in VERBS:
        one = verbs.add_parser(name, help=text, description=text, parents=[place])
        one.set_defaults(verb=verb)
        if name == "stop":
            one.add_argument("--wipe", action="store_true", help="remove their data as well")
        if name == "start":
            one.add_argument("--scratch", action="store_true", help="for tests: no fsync")
        if name in {"env", "status"}:
            one.add_argument("--json", action="store_true", help="everything, for a program")
        if name in {"start", "stop"}:
            one.add_argument(
                "server", nargs="?", choices=sorted(servers.KINDS), help="this one alone"
            )
        if name == "restart":
            one.add_argument("server", choices=sorted(servers.KINDS))
            one.add_argument("--kill", action="store_true", help="by SIGKILL, as a power cut would")
    return parser


def _start(options: argparse.Namespace, folder: Path) -> int:
    say = progress.printer()
    prepare.servers(say)
    if options.scratch:
        state.make_scratch(folder)
    servers.begin(folder, say, _chosen(options))
    return 0


def _stop(options: argparse.Namespace, folder: Path) -> int:
    chosen = _chosen(options)
    servers.stop(folder, progress.printer(), chosen)
    if options.wipe:
        state.wipe(folder, chosen)
    return 0


def _chosen(options: argparse.Namespace) -> list[str]:
    """The server that was named, else both."""
    return [options.server] if options.server else list(servers.KINDS)


def _restart(options: argparse.Namespace, folder: Path) -> int:
    servers.restart(folder, options.server, progress.printer(), kill=options.kill)
    return 0


def _status(options: argparse.Namespace, folder: Path) -> int:
    conditions = servers.status(folder)
    if options.json:
        print(json.dumps(_facts(conditions), indent=2))
    else:
        _table(conditions)
    return 0 if all(one.state in {"running", "given"} for one in conditions) else 69


def _env(options: argparse.Namespace, folder: Path) -> int:
    found = servers.find(folder)
    if options.json:
        print(json.dumps(_facts(servers.status(folder)), indent=2))
    else:
        for name, value in found.environment().items():
            print(f"export {name}={shlex.quote(value)}")
    return 0


def _psql(options: argparse.Namespace, folder: Path) -> int:
    servers.must_run(folder, postgres.NAME)
    bins, server = postgres.programs(), state.recall(folder, postgres.NAME)
    if bins is None or server is None:
        raise Unavailable("no Postgres of our own here")
    address = postgres.dsn(server, role="postgres")
    os.execv(bins / "psql", [str(bins / "psql"), address, *options.rest])


def _rabbitmqctl(options: argparse.Namespace, folder: Path) -> int:
    servers.must_run(folder, rabbitmq.NAME)
    bins, server = rabbitmq.programs(), state.recall(folder, rabbitmq.NAME)
    if bins is None or server is None:
        raise Unavailable("no RabbitMQ of our own here")
    environment = rabbitmq.environment(folder, server)
    print(
        processes.run(
            [str(bins / "rabbitmqctl"), *options.rest],
            env=environment,
            cwd=Path(server.folder),
            who=processes.identity(rabbitmq.USER),
        ),
        end="",
    )
    return 0


VERBS = (
    ("start", _start, "start what isn't running, or one of them, installing what is missing"),
    ("stop", _stop, "stop both, or one; nothing of them is left running"),
    ("restart", _restart, "stop one and start it again, same port and data"),
    ("status", _status, "how both are"),
    ("env", _env, "print their addresses, for eval"),
    ("psql", _psql, "run psql as superuser"),
    ("rabbitmqctl", _rabbitmqctl, "run rabbitmqctl against the node"),
)


def _facts(conditions: Sequence[servers.Condition]) -> dict[str, dict[str, object]]:
    return {
        one.name: {
            "state": one.state,
            "address": one.address,
            "variable": servers.KINDS[one.name].VARIABLE,
            "pid": one.process.pid if one.process else None,
            "ports": dict(one.server.ports) if one.server else {},
            "folder": one.server.folder if one.server else None,
        }
        for one in conditions
    }


def _table(conditions: Sequence[servers.Condition]) -> None:
    rows = [("server", "state", "pid", "port", "up", "data and log")]
    for one in conditions:
        server, process = one.server, one.process
        rows.append(
            (
                one.name,
                one.state,
                str(process.pid) if process else "-",
                str(next(iter(server.ports.values()))) if server else "-",
                f"{process.age:.0f} s" if process else "-",
                server.folder if server else "-",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
