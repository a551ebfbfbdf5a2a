"""Instances: who is alive, by the database's clock."""

from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from daemon.store import door


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One running process as the others see it."""

    id: UUID
    """Random at every start: an identity is never used again."""
    name: str
    host: str
    state_dir: str
    """Where its journal lies: who shares host and folder can read it."""
    version: str


async def register(store: door.Store, instance: Instance, lease: float) -> None:
    """Enters an instance, alive for `lease` seconds."""
    await store.run(
        "instance.register",
        instance.id,
        instance.name,
        instance.host,
        instance.state_dir,
        instance.version,
        lease,
    )


async def beat(
    store: door.Store, instance: UUID, lease: float, *, draining: bool, brake: str = ""
) -> bool:
    """Renews the lease; False when it had ended or the row is gone.

    `brake` is why it starts nothing new, for whoever asks what a delivery waits for.
    """
    return await store.row("instance.beat", instance, lease, draining, brake) is not None


async def leave(store: door.Store, instance: UUID) -> None:
    """Ends the lease now."""
    await store.run("instance.leave", instance)


async def is_over(store: door.Store, instance: UUID) -> None:
    """Ends the lease of an instance whose process is known to be gone."""
    await store.run("instance.is_over", instance)


async def fingerprint(store: door.Store) -> str:
    """What tells this database from every other, in a word that gives nothing away."""
    return blake2b(await hash_key(store), digest_size=12, person=b"deliveryd").hexdigest()


async def hash_key(store: door.Store) -> bytes:
    """The key of this database's body and token hashes."""
    return bytes(await store.value("secret.value", "hash"))
