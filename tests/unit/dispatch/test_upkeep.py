"""All jobs are held to the law, a few at a time: what was seen last counts."""

from uuid import UUID

from daemon.dispatch.upkeep import Walk
from daemon.store.upkeep import NOBODY, Looked


def job(number: int) -> UUID:
    """One of the jobs, in order."""
    return UUID(int=number)


def test_round_and_round() -> None:
    """A broken job is told once, and counts until it is seen whole or is gone."""
    walk = Walk()
    assert walk.on(Looked(upto=job(5), broken=frozenset({job(3)}))) == {job(3)}
    assert walk.at == job(5)
    assert walk.on(Looked(upto=job(9), broken=frozenset({job(8)}))) == {job(8)}
    assert walk.on(Looked(upto=None, broken=frozenset())) == frozenset()
    assert (walk.at, walk.broken) == (NOBODY, {job(3), job(8)})
    assert walk.on(Looked(upto=job(5), broken=frozenset({job(3)}))) == frozenset()
    assert walk.on(Looked(upto=job(7), broken=frozenset())) == frozenset()
    walk.on(Looked(upto=None, broken=frozenset()))
    assert walk.broken == {job(3)}
    walk.on(Looked(upto=job(5), broken=frozenset()))
    assert walk.broken == frozenset()
