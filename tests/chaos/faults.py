"""The catalogue of a storm: what may happen to instances, ways, servers; drawn by a seed."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LEASE = 3.0
PAUSES = 1.0, 4.0
"""Seconds between a fault's end and the next one's begin."""
_TWO = 0.25
"""How often a second one comes with the first, to something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that happens."""

    kind: str
    """What: `kill`, `freeze`, `silence` …"""
    target: str
    """To whom: `instance-2`, `broker`, `to-database` …"""
    seconds: float = 0.0
    """How long it lasts, or how long the victim is away."""
    amount: int = 0
    """Octets, or milliseconds."""

    @property
    def text(self) -> str:
        """For people."""
        amount = f" {self.amount}" if self.amount else ""
        return f"{self.target} {self.kind}{amount}" + (
            f" {self.seconds:.1f} s" * bool(self.seconds)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happens at once, after a pause."""

    pause: float
    faults: tuple[Fault, ...]


INSTANCES = ("instance-1", "instance-2", "instance-3")
WAYS = tuple(
    f"{way}-{place}" for place in ("broker", "database", "relay") for way in ("to", "from")
)
"""Directions of the proxies."""

Draw = Callable[[random.Random], Fault]


def _instance(kind: str, least: float, most: float) -> Draw:
    return lambda chance: Fault(
        kind=kind, target=chance.choice(INSTANCES), seconds=chance.uniform(least, most)
    )


def _way(kind: str, least: float, most: float, *, amounts: tuple[int, int] = (0, 0)) -> Draw:
    return lambda chance: Fault(
        kind=kind,
        target=chance.choice(WAYS),
        seconds=chance.uniform(least, most),
        amount=chance.randint(*amounts),
    )


def _server(target: str, kind: str, least: float = 0.0, most: float = 0.0) -> Draw:
    return lambda chance: Fault(kind=kind, target=target, seconds=chance.uniform(least, most))


CATALOGUE: tuple[tuple[Draw, int], ...] = (
    (_instance("kill", 0.2, 4), 6),
    (_instance("freeze", LEASE * 1.3, LEASE * 2.5), 3),
    (_instance("stop", 0.2, 2), 3),
    (_instance("reload", 0, 0), 2),
    (_way("latency", 2, 6, amounts=(50, 300)), 3),
    (_way("cut", 1, 4, amounts=(1, 20_000)), 4),
    (_way("silence", 1, 8), 3),
    (_way("reset", 0, 0), 4),
    (_server("broker", "kill"), 1),
    (_server("broker", "restart"), 1),
    (_server("broker", "freeze", 2, 8), 1),
    (_server("broker", "alarm", 3, 8), 1),
    (_server("database", "kill"), 1),
    (_server("database", "restart"), 1),
    (_server("database", "freeze", 1, 6), 1),
    (_server("database", "terminate"), 2),
    (_server("relay", "down", 1, 5), 1),
    (_server("relay", "drop"), 1),
    (_server("relay", "busy", 2, 5), 1),
    (_server("relay", "slow", 2, 6), 1),
)
"""Everything that may happen, with its weight."""


def drawn(seed: int) -> Iterator[Step]:
    """The steps of a storm, for ever; the same for the same seed."""
    chance = random.Random(seed)
    draws = [draw for draw, weight in CATALOGUE for _ in range(weight)]
    while True:
        first = chance.choice(draws)(chance)
        second = chance.choice(draws)(chance)
        both = chance.random() < _TWO and _place(first) != _place(second)
        yield Step(pause=chance.uniform(*PAUSES), faults=(first, second) if both else (first,))


def _place(fault: Fault) -> str:
    """What of a fault no second one may touch meanwhile."""
    return fault.target.removeprefix("to-").removeprefix("from-")
