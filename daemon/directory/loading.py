"""From the lists of the configuration to the tables: at the start, and at every reload."""

from collections.abc import Sequence

from daemon import logs
from daemon.config import tables
from daemon.directory import principals
from daemon.store import directory, door

_log = logs.get("directory.loading")


async def load(
    store: door.Store,
    *,
    customers: Sequence[tables.Customer],
    transports: Sequence[tables.Transport],
    tokens: Sequence[tables.Token],
    key: bytes,
) -> None:
    """Makes the directory what the configuration says; all or nothing, and again is the same.

    `key` keys the hashes of tokens: the tokens themselves are stored nowhere.
    """
    await directory.load(
        store,
        customers=[_customer(customer) for customer in customers],
        transports=[_transport(transport) for transport in transports],
        tokens=[_token(token, key) for token in tokens],
    )
    _log.info(
        "directory.loaded",
        customers=len(customers),
        transports=len(transports),
        tokens=len(tokens),
    )


def _customer(customer: tables.Customer) -> directory.CustomerRow:
    return directory.CustomerRow(
        id=customer.id,
        parent_id=customer.parent,
        name=customer.name,
        timezone=customer.timezone,
        status=customer.status,
    )


def _transport(transport: tables.Transport) -> directory.TransportRow:
    return directory.TransportRow(
        id=transport.id,
        customer_id=transport.customer,
        name=transport.name,
        kind=transport.kind,
        host=transport.host,
        port=transport.port,
        tls=transport.tls,
        username=transport.username,
        sender=transport.sender,
        from_address=transport.from_address,
        from_name=transport.from_name,
        is_default=transport.is_default,
        max_connections=transport.max_connections,
        max_per_second=transport.max_per_second,
    )


def _token(token: tables.Token, key: bytes) -> directory.TokenRow:
    return directory.TokenRow(
        customer_id=token.customer,
        scheme=token.scheme,
        login=token.login,
        key_hash=principals.digest(key, token.token.reveal()),
    )
