"""How much may pile up before nothing more is begun; it must come down a little before it goes on.

Urgent work goes on a little longer than the rest: a password isn't held up by a campaign.
"""

EASE = 0.9
"""Share of the most below which work goes on again, so that it doesn't stop and go."""
URGENT = 1.2
"""By how much the most is more for what is urgent."""


class Ceiling:
    """One number that must not grow beyond `most`, and whether it has."""

    __slots__ = ("is_reached", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self.is_reached = False

    @classmethod
    def urgent(cls, most: int) -> "Ceiling":
        """The same for what is urgent."""
        return cls(int(most * URGENT))

    def weigh(self, number: int) -> bool:
        """Takes the number as it is now; answers whether nothing more should be begun."""
        self.is_reached = number >= (self.most * EASE if self.is_reached else self.most)
        return self.is_reached
