"""A directory of a million people, as it lies in the database when somebody asks for all of them.

Below the asker, customer 1, hang two branches with a head each, and a tree in which every customer
has ten below him; everybody has ten people, with one address each. One in twenty has the address
of the one before him; one in twenty is suppressed.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

ASKER = 1
SMALL = 11
"""The head of a branch of 5,000 people."""
LARGE = 12
"""The head of a branch of a tenth of all people."""
SHARE = 20
"""Of so many one has an address that is there already, and one is suppressed."""
_EACH = 10
"""People of a customer, and customers directly below one."""
_SUBTREE = 5_000
_FIRST = 100
_HOURS = 4 * 3600.0

_CUSTOMERS = f"""
ALTER TABLE customer DISABLE TRIGGER USER;  -- of one row each; what is written here is a tree
INSERT INTO customer (id, parent_id, name)
VALUES ({SMALL}, {ASKER}, 'small branch'), ({LARGE}, {ASKER}, 'large branch');
INSERT INTO customer (id, parent_id, name)
SELECT {_FIRST} + n,
       CASE WHEN n < {{small}} THEN {SMALL}
            WHEN n < {{small}} + {{large}} THEN {LARGE}
            WHEN n < {{small}} + {{large}} + {_EACH} THEN {ASKER}
            ELSE {_FIRST} + {{small}} + {{large}}
                 + (n - {{small}} - {{large}}) / {_EACH} - 1 END,
       'customer ' || n
FROM generate_series(0, {{customers}} - 1) AS n;
ALTER TABLE customer ENABLE TRIGGER USER;
"""
_PEOPLE = f"""
INSERT INTO person (id, customer_id, forename, surname)
SELECT n, {_FIRST} + n % $1, 'First' || n % 500, 'Last' || n % 3000
FROM generate_series(1, $2::bigint) AS n
"""
_ADDRESSES = f"""
INSERT INTO person_email (person_id, address, norm, supp, domain)
SELECT a.n, a.address, a.address, a.address, split_part(a.address, '@', 2)
FROM (
    SELECT n, 'p' || md5(same::text) || '@d' || same % 500 || '.there.test' AS address
    FROM generate_series(1, $1::bigint) AS n
    CROSS JOIN LATERAL (SELECT CASE WHEN n % {SHARE} = 0 THEN n - 1 ELSE n END AS same) s
) a
"""
_SUPPRESSED = f"""
INSERT INTO suppression (customer_id, supp, scope, kind, source)
SELECT {ASKER}, supp, 'all', 'manual', 'api' FROM person_email WHERE person_id % {SHARE} = 7
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """How many there are."""

    people: int

    @property
    def queued(self) -> int:
        """Who of all of them gets a mail."""
        return self.people - 2 * (self.people // SHARE)

    async def built(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Fills the database; the daemon has brought customer 1."""
        customers = max(_EACH, self.people // _EACH)
        small = min(_SUBTREE // _EACH, customers // _EACH)
        sizes = {"customers": customers, "small": small, "large": customers // _EACH}
        await connection.execute(_CUSTOMERS.format(**sizes), timeout=_HOURS)
        await connection.execute(_PEOPLE, customers, self.people, timeout=_HOURS)
        await connection.execute(_ADDRESSES, self.people, timeout=_HOURS)
        await connection.execute(_SUPPRESSED, timeout=_HOURS)
        await connection.execute("VACUUM ANALYZE", timeout=_HOURS)
