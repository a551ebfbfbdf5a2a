"""Strays: what seems to be ours unheard is given back only once it can't become known any more."""

from uuid import uuid4

from daemon.dispatch.held import Holdings
from daemon.dispatch.strays import Strays
from daemon.store.orphans import Left

ME, OTHER = uuid4(), uuid4()
WINDOW = 0.25


def left(number: int, *, owner=ME, epoch: int = 1) -> Left:
    """Something that is held."""
    return Left(id=number, owner=owner, epoch=epoch, orphans=())


def seen(strays: Strays, *found: Left, at: float) -> list[int]:
    """Which of those found in one look are sure."""
    strays.look()
    return [one.id for one in strays.sure(found, asked=at, now=at)]


def test_what_the_dead_hold_is_never_waited_for() -> None:
    """Somebody else's is decided at the first look."""
    strays = Strays(Holdings(), ME, WINDOW)
    assert seen(strays, left(1, owner=OTHER), left(2), at=0.0) == [1]


def test_ours_is_sure_after_a_window() -> None:
    """What is ours and unknown for longer than a permit is open; until then it may become known."""
    strays = Strays(Holdings(), ME, WINDOW)
    assert seen(strays, left(1), at=0.0) == []
    assert seen(strays, left(1), at=WINDOW) == []
    assert seen(strays, left(1), at=WINDOW + 0.01) == [1]


def test_a_look_without_it_begins_anew() -> None:
    """What became known meanwhile, or was claimed again, is as new."""
    strays = Strays(Holdings(), ME, WINDOW)
    assert seen(strays, left(1), left(2), at=0.0) == []
    assert seen(strays, left(2, epoch=2), at=1.0) == []
    assert seen(strays, left(1), left(2, epoch=2), at=2.0) == [2]


def test_the_pages_of_one_look_are_one() -> None:
    """What an earlier page has shown is remembered beside what a later one shows."""
    strays = Strays(Holdings(), ME, WINDOW)
    strays.look()
    for number in (1, 2):
        assert strays.sure([left(number)], asked=0.0, now=0.0) == []
    strays.look()
    for number in (1, 2):
        (one,) = strays.sure([left(number)], asked=1.0, now=1.0)
        assert one.id == number


def test_time_is_counted_between_question_and_answer() -> None:
    """From when it was first seen to when it was last asked for: the shortest it can have been."""
    strays = Strays(Holdings(), ME, WINDOW)
    strays.look()
    assert strays.sure([left(1)], asked=0.0, now=1.0) == []
    strays.look()
    assert strays.sure([left(1)], asked=1.2, now=9.0) == []
