"""The kinds of value a setting can have: durations, sizes, secrets and places to listen at.

Each is written with its unit or its source, so that nobody has to guess whether `20` meant seconds.
No message here repeats what was written: it may have been a password in the wrong place.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

SECOND = 1.0
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_UNITS = {"ms": 0.001, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_SIZES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", re.ASCII)
_SIZE = re.compile(r"(\d+)\s*(B|KiB|MiB|GiB)", re.ASCII)
_MAILBOX = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_HELLO = re.compile(r"[A-Za-z0-9._-]{1,255}|\[[A-Za-z0-9.:]{1,255}\]")
_LAST_PORT = 65535
_UNIX = "unix:"


def seconds(written: object) -> float:
    """`"250ms"`, `"20s"`, `"5m"`, `"1h"` or `"7d"` as seconds; a bare number is refused."""
    found = _DURATION.fullmatch(written.strip()) if isinstance(written, str) else None
    if found is None:
        raise ValueError('must be a duration with its unit, such as "250ms", "20s", "5m" or "7d"')
    length = float(found[1]) * _UNITS[found[2]]
    if length <= 0:
        raise ValueError("must be longer than nothing")
    return length


def octets(written: object) -> int:
    """`"40MiB"` (B, KiB, MiB, GiB) as octets; a bare number is refused."""
    found = _SIZE.fullmatch(written.strip()) if isinstance(written, str) else None
    if found is None:
        raise ValueError('must be a size with its unit, such as "512KiB" or "40MiB"')
    if int(found[1]) == 0:
        raise ValueError("must be more than nothing")
    return int(found[1]) * _SIZES[found[2]]


def spelled(amount: float, kind: BeforeValidator) -> str:
    """An amount as it would be written, in the largest unit that fits: 86400 seconds are `1d`."""
    units = _UNITS if kind is AS_DURATION else _SIZES
    for unit in reversed(units):
        if amount >= units[unit] and (amount / units[unit]).is_integer():
            return f"{amount / units[unit]:.0f}{unit}"
    return f"{amount:.6f}".rstrip("0") + "s"


AS_DURATION = BeforeValidator(seconds, json_schema_input_type=str)
AS_SIZE = BeforeValidator(octets, json_schema_input_type=str)

Duration = Annotated[float, AS_DURATION]
"""A length of time. Written with a unit; in the program a float of seconds, as asyncio wants it."""

Size = Annotated[int, AS_SIZE]
"""A number of octets. Written with a binary unit; in the program an int."""


def zone(name: str) -> str:
    """The name, if the time zone database has it; UTC needs no database."""
    try:
        return name if name == "UTC" else ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError('must be a time zone by its IANA name, such as "Europe/Minsk"') from None


def mailbox(written: str) -> str:
    """The text, if it is empty or has the shape of a mail address."""
    if written and not _MAILBOX.fullmatch(written):
        raise ValueError('must be a mail address, such as "news@example.com", or empty')
    return written


def word(written: str) -> str:
    """The text, if it can be part of a queue's name."""
    if not _WORD.fullmatch(written):
        raise ValueError("must be a word of at most 100 letters, digits, dots, dashes, underscores")
    return written


def host(written: str) -> str:
    """The text, if it can be the name or the address of a server."""
    if not written or not written.isprintable() or " " in written:
        raise ValueError('must be a host name or an IP address, such as "smtp.example.com"')
    return written


def hello(written: str) -> str:
    """The text, if it can stand behind EHLO."""
    if not _HELLO.fullmatch(written):
        raise ValueError('must be a host name, such as "mail-1.example.com", or "[192.0.2.1]"')
    return written


Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""A number that a row is known by."""
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""How many of something, as the database counts."""
Zone = Annotated[str, AfterValidator(zone)]
Mailbox = Annotated[str, AfterValidator(mailbox)]
Word = Annotated[str, AfterValidator(word)]
Host = Annotated[str, AfterValidator(host)]
Hello = Annotated[str, AfterValidator(hello)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to listen: `host:port` or `[v6]:port`, port 0 = any free one; or `unix:/path`."""

    host: str = ""
    port: int = 0
    path: str = ""
    """Of a socket in the file system; then host and port mean nothing."""

    @classmethod
    def parse(cls, written: object) -> Self:
        """From its written form; `ValueError` says what is wrong with it."""
        if isinstance(written, cls):
            return written
        if isinstance(written, str) and written.startswith(f"{_UNIX}/"):
            return cls(path=written.removeprefix(_UNIX))
        host, colon, port = written.rpartition(":") if isinstance(written, str) else ("", "", "")
        host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        if not (host and colon and port.isascii() and port.isdecimal()):
            raise ValueError(
                'must be host:port, as in "127.0.0.1:9250", "[::1]:9250"; or unix:/path'
            )
        if int(port) > _LAST_PORT:
            raise ValueError(f"must have a port of at most {_LAST_PORT}")
        return cls(host=host, port=int(port))

    def __str__(self) -> str:
        if self.path:
            return f"{_UNIX}{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        """Validated by `parse`, dumped as written."""
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.to_string_ser_schema()
        )


class Secret:
    """A value that no repr, log line, dump or error may show; only `reveal` gives it (S15).

    No dataclass, because serialisers walk into those.

    Written literally, or as `env:NAME`, `file:/path` (a last line end is dropped) or
    `credential:name` (a file in $CREDENTIALS_DIRECTORY, as systemd's LoadCredential puts it there).
    It is looked up once, while the configuration is loaded, so that a missing one is found then.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    @classmethod
    def parse(cls, written: object, environ: Mapping[str, str]) -> Self:
        """From its written form, looked up; `ValueError` names what is missing, never the value."""
        if isinstance(written, cls):
            return written
        if not isinstance(written, str):
            # TypeError would pass through pydantic as a fault of ours
            raise ValueError("must be text: the secret, env:NAME, file:/path or credential:name")  # noqa: TRY004
        scheme, colon, name = written.partition(":")
        look_up = _SOURCES.get(scheme) if colon else None
        return cls(look_up(name, environ) if look_up else written)

    def reveal(self) -> str:
        """The value itself. Whoever asks must not let it out again."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __str__(self) -> str:
        return "***" if self._value else ""

    def __repr__(self) -> str:
        return f"Secret({str(self)!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        """Validated by `parse` with the context's `environ`, dumped as `***`."""

        def parse(written: object, info: ValidationInfo) -> Secret:
            return cls.parse(written, (info.context or {}).get("environ", os.environ))

        return core_schema.with_info_plain_validator_function(
            parse, serialization=core_schema.to_string_ser_schema()
        )


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise ValueError(f"names the environment variable {name}, which is not set")
    return environ[name]


def _from_file(name: str, _: Mapping[str, str]) -> str:
    try:
        return Path(name).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ValueError(f"names the file {name}, which can't be read: {why}") from None


def _from_credential(name: str, environ: Mapping[str, str]) -> str:
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ValueError("names a credential, but $CREDENTIALS_DIRECTORY is not set")
    if Path(name).name != name:
        raise ValueError("must name a credential without folders")
    return _from_file(str(Path(folder) / name), environ)


_SOURCES = {"env": _from_environment, "file": _from_file, "credential": _from_credential}
