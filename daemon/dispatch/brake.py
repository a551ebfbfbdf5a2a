"""Why this instance starts nothing new, though there is work: a brake with named causes.

What is under way goes on; what is held goes back, so that an instance that is well may take it.
"""

from collections.abc import Callable, Mapping


class Brake:
    """Asks its causes anew at each look: each answers why, or nothing."""

    def __init__(self, causes: Mapping[str, Callable[[], str]]) -> None:
        self._causes = dict(causes)

    @property
    def is_on(self) -> bool:
        """Whether nothing may start now."""
        return any(cause() for cause in self._causes.values())

    @property
    def told(self) -> str:
        """All that holds us, in a line; empty = nothing does."""
        return "; ".join(f"{name}: {why}" for name, why in self.reasons.items() if why)

    def why(self, name: str) -> str:
        """Why this cause holds us; empty = it doesn't."""
        return self._causes[name]()

    @property
    def reasons(self) -> dict[str, str]:
        """By cause: why it holds us; empty = it doesn't."""
        return {name: cause() for name, cause in self._causes.items()}
