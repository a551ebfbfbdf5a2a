"""The configuration of a story's daemons: everything real, only the times are short."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LEASE = 3.0
"""Seconds after which somebody dead is known to be."""
CONNECTIONS = 10
"""What the transport allows unless a story says otherwise."""
TOKEN = "story-token"

Table = Mapping[str, Any]


def sections(*, dsn: str, url: str, prefix: str, state: Path) -> dict[str, Table]:
    """Every section that isn't left at its default."""
    return {
        "rabbitmq": {"url": url, "prefix": prefix},
        "postgres": {"dsn": dsn, "pool": 5, "connect_timeout": "5s"},
        "instance": {"lease": f"{LEASE:g}s", "state_dir": str(state), "stop_deadline": "10s"},
        "intake": {"anonymous": 1, "max_parcel": "1MiB"},
        "delivery": {"hostname": "daemon.story.test", "message_domain": "story.test"},
        "delivery.timeouts": {"connect": "3s", "banner": "3s", "ehlo": "3s", "mail": "3s",
                              "rcpt": "3s", "data": "3s", "body": "3s", "dot": "4s"},
        "retry": {"first": "1s", "factor": 1.0, "cap": "2s", "jitter": 0.0, "hint_min": "500ms"},
        "events": {"confirm_timeout": "5s"},
        "ops": {"listen": "127.0.0.1:0"},
        "log": {"format": "json"},
    }  # fmt: skip


def rows(
    *,
    host: str,
    port: int,
    transport: Table,
    others: Sequence[Table] = (),
    customers: Sequence[Table] = (),
) -> list[tuple[str, Table]]:
    """A customer and any others, his way out and any others, and his token for the dialect."""
    way_out = {"id": 1, "customer": 1, "name": "sink", "host": host, "port": port,
               "tls": "none", "from_address": "story@sender.test", "is_default": True,
               "max_connections": CONNECTIONS, **transport}  # fmt: skip
    return [
        ("customer", {"id": 1, "name": "Story"}),
        *(("customer", other) for other in customers),
        ("transport", way_out),
        *(("transport", {**way_out, "is_default": False, **other}) for other in others),
        ("token", {"customer": 1, "token": TOKEN}),
    ]


def text(sections: Mapping[str, Table], rows: Sequence[tuple[str, Table]]) -> str:
    """Both as TOML."""
    tables = [(f"[{name}]", table) for name, table in sections.items()]
    tables += [(f"[[{name}]]", table) for name, table in rows]
    return "\n".join("\n".join((head, *_lines(table), "")) for head, table in tables)


def _lines(table: Table) -> list[str]:
    return [f"{name} = {_value(value)}" for name, value in table.items()]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return str(value) if isinstance(value, int | float) else f'"{value}"'
