"""Confirms by range, against a model that counts one by one."""

from hypothesis import given
from hypothesis import strategies as st

from daemon.broker.confirms import Confirms, Fate, Published

sizes = st.lists(st.integers(1, 6), min_size=1, max_size=5)
answers = st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.booleans()), max_size=25)


def ids(count: int, start: int = 0) -> list[str]:
    """Names for messages."""
    return [f"m{number}" for number in range(start, start + count)]


@given(sizes, answers)
def test_answers_in_any_order(sizes: list[int], answers: list[tuple[int, bool, bool]]) -> None:
    """The first answer to a number holds, and a batch settles once, with its last number."""
    confirms, settled = Confirms(), []
    batches = []
    for size in sizes:
        number = len(batches)
        batches.append(confirms.add(ids(size), lambda number=number: settled.append(number)))
    model: dict[int, Fate] = dict.fromkeys(range(1, sum(sizes) + 1), Fate.UNKNOWN)
    for tag, multiple, taken in answers:
        confirms.confirm(tag, multiple=multiple, taken=taken)
        for number in range(1 if multiple else tag, tag + 1):
            if model.get(number) == Fate.UNKNOWN:
                model[number] = Fate.CONFIRMED if taken else Fate.NACKED
    assert tuple(fate for batch in batches for fate in batch.fates()) == tuple(model.values())
    complete = {at for at, batch in enumerate(batches) if Fate.UNKNOWN not in batch.fates()}
    assert sorted(settled) == sorted(complete)


def test_a_return_counts_only_with_its_confirm() -> None:
    """What came back is unknown until the broker confirms it, and returned from then on."""
    confirms = Confirms()
    batch = confirms.add(ids(3), lambda: None)
    confirms.returned("m1")
    assert batch.fates() == (Fate.UNKNOWN,) * 3
    confirms.confirm(3, multiple=True, taken=True)
    assert batch.fates() == (Fate.CONFIRMED, Fate.RETURNED, Fate.CONFIRMED)


def test_the_same_id_under_way_twice() -> None:
    """Returns come in the order of publishing, so the older of two equal ids is meant first."""
    confirms = Confirms()
    older, newer = (confirms.add(["same"], lambda: None) for _ in range(2))
    confirms.returned("same")
    confirms.confirm(2, multiple=True, taken=True)
    assert (older.fates(), newer.fates()) == ((Fate.RETURNED,), (Fate.CONFIRMED,))


def test_a_return_of_something_strange() -> None:
    """A return that nobody waits for changes nothing."""
    confirms = Confirms()
    batch = confirms.add(ids(1), lambda: None)
    confirms.returned("other")
    confirms.confirm(1, multiple=False, taken=True)
    assert batch.fates() == (Fate.CONFIRMED,)


@given(st.lists(st.sampled_from(Fate)))
def test_how_far_the_broker_has_come(fates: list[Fate]) -> None:
    """Returned counts as taken; the first nacked or unknown item ends the count."""
    published = Published(fates=tuple(fates))
    taken = published.taken_in_order
    assert all(fate in (Fate.CONFIRMED, Fate.RETURNED) for fate in fates[:taken])
    assert taken == len(fates) or fates[taken] in (Fate.NACKED, Fate.UNKNOWN)
    assert published.all_taken == (taken == len(fates))
