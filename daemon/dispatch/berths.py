"""How many connections one instance may have open, over all its lanes."""

from collections.abc import Callable


class Berths:
    """Places for connections. When all are taken, an idle one elsewhere is asked to leave."""

    def __init__(self, limit: int, *, make_room: Callable[[], None]) -> None:
        self._limit = limit
        self._make_room = make_room
        self.taken = 0

    def take(self) -> bool:
        """Takes a place; False: there is none now, and somebody idle was asked for theirs."""
        if self.taken >= self._limit:
            self._make_room()
            return False
        self.taken += 1
        return True

    def leave(self) -> None:
        """Gives a place back."""
        self.taken -= 1
