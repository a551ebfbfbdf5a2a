"""A directory for tests, entered row by row: customers, their people, contacts and lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from daemon.mail import address

MINE = 7
"""The customer who asks, in most tests."""


@dataclass
class Directory:
    """Enters what it is told to, on one connection."""

    connection: asyncpg.Connection

    async def run(self, statement: str, *arguments: Any) -> Any:
        """The one value that a statement answers."""
        return await self.connection.fetchval(statement, *arguments)

    async def customer(self, number: int, parent: int | None = None, status: str = "active") -> int:
        """A customer under another one, with its own relay."""
        await self.run(
            "INSERT INTO customer (id, parent_id, name, status) VALUES ($1, $2, $3, $4)",
            number, parent, f"c{number}", status,
        )  # fmt: skip
        return number

    async def relay(self, customer: int, number: int = 1) -> None:
        """A customer's default transport and its lane."""
        await self.run(
            "INSERT INTO transport (id, customer_id, name, kind, host, from_address, is_default)"
            " VALUES ($1, $2, 'relay', 'smtp', 'localhost', 'me@acme.example', true)",
            number, customer,
        )  # fmt: skip
        await self.run("INSERT INTO lane (transport_id) VALUES ($1)", number)

    async def person(
        self, customer: int, *addresses: str, number: int | None = None, **flags: Any
    ) -> int:
        """Somebody with any number of addresses; `flags` are columns."""
        given = {"customer_id": customer} | flags | ({"id": number} if number else {})
        person: int = await self._enter("person", given)
        for position, one in enumerate(addresses):
            await self._enter(
                "person_email", {"person_id": person, "position": position} | forms(one)
            )
        return person

    async def billing(self, customer: int, somebody: int | str, **columns: Any) -> int:
        """A billing contact: a person's number, or an address."""
        whom = {"person_id": somebody} if isinstance(somebody, int) else forms(somebody)
        made: int = await self._enter("billing_contact", {"customer_id": customer} | whom | columns)
        return made

    async def contact(self, customer: int, given: str | None, **columns: Any) -> int:
        """A contact, by phone only when there is no address."""
        whom = {"phone_number": "+1"} if given is None else forms(given)
        made: int = await self._enter("contact", {"customer_id": customer} | whom | columns)
        return made

    async def list(
        self, customer: int, name: str, members: Sequence[int], number: int | None = None
    ) -> int:
        """A list with its members."""
        given = {"customer_id": customer, "name": name, "origin": "api"}
        made: int = await self._enter("list", given | ({"id": number} if number else {}))
        for member in members:
            await self._enter(
                "list_member",
                {"list_id": made, "contact_id": member, "source": "api"},
                answers="list_id",
            )
        return made

    async def deny(
        self, customer: int, supp: str, kind: str = "unsubscribe", **columns: Any
    ) -> None:
        """A suppression, everywhere unless it names a list."""
        scope = "list" if "list_id" in columns else "all"
        given = {
            "customer_id": customer,
            "supp": supp,
            "kind": kind,
            "scope": scope,
            "source": "api",
        }
        await self._enter("suppression", given | columns)

    async def enter(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Many rows of one table at once, all with the same columns."""
        if rows:
            columns = ", ".join(rows[0])
            await self.connection.execute(
                f"INSERT INTO {table} ({columns})"
                f" SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1)",
                rows,
            )

    async def _enter(self, table: str, given: dict[str, Any], answers: str = "id") -> Any:
        columns, places = ", ".join(given), ", ".join(f"${n}" for n in range(1, len(given) + 1))
        return await self.run(
            f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING {answers}",
            *given.values(),
        )


def forms(given: str) -> dict[str, str | None]:
    """An address in all its forms, as an import writes them: the first is the given one."""
    found = address.check(given, allow_utf8=True)
    if isinstance(found, address.Invalid):
        return {
            "address": given,
            "norm": given,
            "supp": given.lower(),
            "domain": "",
            "fault": found.reason,
        }
    return {
        "address": given,
        "norm": found.norm,
        "supp": found.supp,
        "domain": found.domain,
        "fault": None,
    }
