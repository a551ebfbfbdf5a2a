"""What e-mails cost: exact, and the parts of a job add up to the whole."""

from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mail import money
from daemon.mail.money import Account, Bill, Entry, Kind, Standing

JOB, OTHER = UUID(int=1), UUID(int=2)
PRICE = Decimal("1.001005678")
PRICES = st.decimals(min_value="0.0000000001", max_value="1000", places=10)


def account(balance: Decimal | str = "1000000000", *, overdraft: str = "0") -> Account:
    """An account in which nothing is set aside."""
    return Account(
        customer_id=1,
        balance=Decimal(balance),
        reserved=Decimal(0),
        overdraft=Decimal(overdraft),
        currency="EUR",
    )


def bill(queued: int, *, job: UUID = JOB) -> Bill:
    """A new job of this size."""
    return Bill(job=job, payer=1, price=PRICE, was=Standing(0, 0, 0), queued=queued)


def test_the_worked_example() -> None:
    """T037: five at 1.001005678 of 55.75502839 cost 5.00502839, and 50.75 is left, exactly."""
    till = account("55.75502839")
    _, paid = money.pay({1: till}, [bill(5)])
    assert money.told(paid[JOB]) == {"cost": "5.00502839", "residual": "50.75", "currency": "EUR"}


@pytest.mark.parametrize(("number", "amount"), [(1, "1.00100568"), (0, "0"), (3, "3.00301703")])
def test_half_a_unit_is_rounded_up(number: int, amount: str) -> None:
    """A sum has eight decimals; it is rounded once."""
    assert money.text(money.cost(number, PRICE)) == amount


def test_half_of_the_last_place_is_a_unit() -> None:
    """Half a unit counts as one, as the database rounds too."""
    assert money.cost(1, Decimal("0.000000005")) == Decimal("0.00000001")


def test_large_numbers_stay_exact() -> None:
    """No digit of the largest price and number is lost."""
    assert money.cost(10**9, Decimal("9999999999.9999999999")) == Decimal("9999999999999999999.9")


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """How a job grows, frame by frame, and how it ends, a few at a time; all in the end."""
    queued = handed = released = 0
    steps = []
    for _ in range(draw(st.integers(1, 12))):
        queued += draw(st.integers(0, 7))
        handed += draw(st.integers(0, queued - handed - released))
        released += draw(st.integers(0, queued - handed - released))
        steps.append((queued, handed, released))
    steps.append((queued, queued - released, released))
    return steps


def _lived(till: Account, price: Decimal, steps: list[tuple[int, int, int]]) -> Iterator[Entry]:
    was = Standing(0, 0, 0)
    for queued, handed, released in steps:
        entries, _ = money.pay({1: till}, [Bill(JOB, 1, price, was, queued)])
        yield from entries
        was, now = was._replace(queued=queued), Standing(queued, handed, released)
        yield from money.book(till, JOB, price, was, now)
        assert till.reserved == now.held(price) >= 0
        was = now


@given(price=PRICES, steps=histories())
def test_the_parts_add_up(price: Decimal, steps: list[tuple[int, int, int]]) -> None:
    """However a job comes and ends, what is charged is what those handed over cost together."""
    till = account()
    entries = list(_lived(till, price, steps))
    _, handed, _ = steps[-1]
    charged = sum(entry.amount for entry in entries if entry.kind is Kind.CHARGE)
    assert charged == money.cost(handed, price)
    assert (till.reserved, till.balance) == (0, account().balance - charged)
    assert all(entry.amount >= 0 for entry in entries)
    assert len({entry.key for entry in entries}) == len(entries)


@given(steps=histories())
def test_booking_again_enters_nothing(steps: list[tuple[int, int, int]]) -> None:
    """A job that hasn't grown isn't entered."""
    now = Standing(*steps[-1])
    assert money.book(account(), JOB, PRICE, now, now) == []


def test_what_does_not_fit_is_left_out() -> None:
    """One after the other; whoever comes later and is smaller may still fit."""
    till = account("3")
    entries, paid = money.pay({1: till}, [bill(3), bill(2, job=OTHER)])
    assert [paid[job].is_covered for job in (JOB, OTHER)] == [False, True]
    assert [entry.job_id for entry in entries] == [OTHER]
    assert till.residual == Decimal(3) - money.cost(2, PRICE)


def test_the_floor_is_the_overdraft() -> None:
    """Down to it and no further."""
    price = money.cost(2, PRICE)
    for overdraft, is_covered in ((price, True), (price - money.PLACES, False)):
        _, paid = money.pay({1: account("0", overdraft=str(overdraft))}, [bill(2)])
        assert paid[JOB].is_covered == is_covered


def test_a_fall_is_told_once() -> None:
    """Below the threshold it is told, with what did it; again only after it has been above."""
    till = account("10")
    till.low_threshold = Decimal(8)
    told = []
    for kind, amount in (
        (Kind.RESERVE, 2), (Kind.RESERVE, 1), (Kind.RESERVE, 1), (Kind.CHARGE, 1),
        (Kind.RELEASE, 2), (Kind.RESERVE, 3), (Kind.TOPUP, 9), (Kind.ADJUST, -7),
    ):  # fmt: skip
        till.enter(kind, Decimal(amount), key="")
        told += [event.data for event in money.low([till])]
        till.fallen_by = None
    assert [(one["amount"], one["residual"]) for one in told] == [
        ("1", "7"), ("3", "5"), ("-7", "7"),
    ]  # fmt: skip


def test_who_has_no_account_pays_nothing() -> None:
    """Nothing is entered, and nothing said."""
    assert money.pay({}, [bill(5)]) == ([], {})
