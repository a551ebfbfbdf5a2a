"""What no single value shows: that the parts of a configuration fit together."""

import re
from collections.abc import Hashable, Iterable, Iterator
from urllib.parse import urlsplit

from daemon.config.flaw import Key
from daemon.config.sections import Config

Problem = tuple[Key, str]
"""Which key to look at, and what is wrong there."""

_DOMAIN = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


def problems(config: Config) -> Iterator[Problem]:
    """Everything that doesn't fit, in the order of the sections."""
    yield from _servers(config)
    yield from _bounds(config)
    yield from _repeated("customer", (one.id for one in config.customer), "id")
    yield from _repeated("transport", (one.id for one in config.transport), "id")
    yield from _repeated(
        "token", ((one.scheme, one.login, one.token) for one in config.token), "token"
    )
    yield from _unknown_customers(config)
    yield from _family(config)
    yield from _transports(config)


def _servers(config: Config) -> Iterator[Problem]:
    if not _is_broker(config.rabbitmq.url.reveal()):
        yield ("rabbitmq", "url"), "must be amqp://user:password@host:port/, or amqps://…"
    dsn = config.postgres.dsn.reveal()
    if dsn and not dsn.startswith(("postgresql://", "postgres://")):
        yield ("postgres", "dsn"), "must be postgresql://user:password@host:port/database, or empty"


def _is_broker(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # a port that is no number, half an address
        return False
    return parts.scheme in ("amqp", "amqps") and port != 0


def _bounds(config: Config) -> Iterator[Problem]:
    if config.retry.first > config.retry.cap:
        yield ("retry", "first"), "must not be longer than retry.cap"
    if config.retry.hint_min > config.retry.hint_max:
        yield ("retry", "hint_min"), "must not be longer than retry.hint_max"
    if config.dispatch.permit_size > config.dispatch.hold:
        yield ("dispatch", "permit_size"), "must not be more than dispatch.hold"
    if config.delivery.mode == "file" and config.delivery.folder is None:
        yield ("delivery", "folder"), 'is required when delivery.mode is "file"'
    if not _DOMAIN.fullmatch(config.delivery.message_domain or config.delivery.hostname):
        wanted = "must be a domain, as delivery.hostname is none that a Message-ID may end in"
        yield ("delivery", "message_domain"), wanted


def _repeated(table: str, values: Iterable[Hashable], name: str) -> Iterator[Problem]:
    seen: set[Hashable] = set()
    for position, value in enumerate(values):
        if value in seen:
            yield (table, position, name), "is there already; it must be the only one"
        seen.add(value)


def _unknown_customers(config: Config) -> Iterator[Problem]:
    """Whoever speaks for a customer needs one that is there."""
    known = {customer.id for customer in config.customer}
    named: list[tuple[Key, int | None]] = [(("intake", "anonymous"), config.intake.anonymous)]
    named += [(("intake", "users", user), one) for user, one in config.intake.users.items()]
    for table in ("transport", "token"):
        rows = enumerate(getattr(config, table))
        named += [((table, position, "customer"), row.customer) for position, row in rows]
    for key, customer in named:
        if customer is not None and customer not in known:
            yield key, f"names customer {customer}, but there is no [[customer]] with that id"


def _family(config: Config) -> Iterator[Problem]:
    """A customer's parents are there and end somewhere; nobody lives under somebody deleted."""
    deleted = {customer.id for customer in config.customer if customer.status == "deleted"}
    parents = {customer.id: customer.parent for customer in config.customer}
    for position, customer in enumerate(config.customer):
        key = ("customer", position, "parent")
        if customer.parent is not None and customer.parent not in parents:
            yield key, f"names customer {customer.parent}, but there is none with that id"
        elif _is_own_ancestor(customer.id, parents):
            yield key, "leads back to the customer itself"
        elif customer.parent in deleted and customer.id not in deleted:
            yield key, f"names customer {customer.parent}, who is deleted; this one isn't"


def _is_own_ancestor(customer: int, parents: dict[int, int | None]) -> bool:
    above = parents[customer]
    for _ in parents:  # no chain is longer than there are customers
        if above is None or above == customer:
            break
        above = parents.get(above)
    return above == customer


def _transports(config: Config) -> Iterator[Problem]:
    defaults: set[int] = set()
    for position, transport in enumerate(config.transport):
        if transport.is_default and transport.customer in defaults:
            key = ("transport", position, "is_default")
            yield key, f"customer {transport.customer} has a default transport already"
        if transport.is_default:
            defaults.add(transport.customer)
        if bool(transport.username) != bool(transport.password):
            yield ("transport", position, "username"), "username and password go together"
        elif transport.username and not (transport.tls != "none" and transport.verify):
            key = ("transport", position, "tls" if transport.tls == "none" else "verify")
            yield key, "would send username and password without verified TLS"
