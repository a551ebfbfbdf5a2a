"""Words in an address, and the table they come from."""

from pathlib import Path

import pytest

from daemon.sink import behaviour, control
from daemon.sink.behaviour import Act, Deed, Memory

EXAMPLES = {
    "greylist-N": "greylist-2",
    "retry-after-S": "retry-after-30",
    "PHASE-CODE": "rcpt-450-4.2.1",
    "reject-CODE": "reject-550",
    "421-at-PHASE": "421-at-mail",
    "drop-at-PHASE": "drop-at-dot",
    "drop-in-body-N": "drop-in-body-512",
    "drop-after-dot": "drop-after-dot",
    "discard-after-dot": "discard-after-dot",
    "stall-at-PHASE-S": "stall-at-data-0.5",
    "stall-after-dot-S": "stall-after-dot-3",
    "garbage-at-PHASE": "garbage-at-rcpt",
    "latin1-at-PHASE": "latin1-at-rcpt",
    "long-at-PHASE": "long-at-dot",
    "long-reply": "long-reply",
    "extra-at-PHASE": "extra-at-mail",
    "extra-reply": "extra-reply",
    "early-250": "early-250",
}


def test_every_shape_of_the_table_is_read():
    """All that is in the table can be asked for, and all has an example here."""
    assert set(EXAMPLES) == {shape for row in behaviour.TABLE for shape in row.shapes}
    for word in EXAMPLES.values():
        assert behaviour.act(word) is not None, word
        assert behaviour.act(f"{word}-once") is not None, word


def test_the_printed_table_names_all():
    """`--behaviours` shows every shape with its meaning."""
    printed = behaviour.table()
    for row in behaviour.TABLE:
        assert row.meaning in printed
        assert all(shape in printed for shape in row.shapes)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("rcpt-550-5.7.1", Act(phase="rcpt", deed=Deed.REFUSE, code=550, enhanced="5.7.1")),
        ("reject-450", Act(phase="rcpt", deed=Deed.REFUSE, code=450)),
        ("mail-451", Act(phase="mail", deed=Deed.REFUSE, code=451)),
        ("421-at-dot", Act(phase="dot", deed=Deed.SHUT)),
        ("stall-at-rcpt-0.25", Act(phase="rcpt", deed=Deed.STALL, number=0.25)),
        ("stall-after-dot-2", Act(phase="dot", deed=Deed.STALL, number=2)),
        ("drop-in-body-70", Act(phase="body", deed=Deed.CLOSE, after=70)),
        ("drop-after-dot-once", Act(phase="dot", deed=Deed.STORE_RESET, times=1)),
        ("discard-after-dot", Act(phase="dot", deed=Deed.RESET)),
        ("long-reply", Act(phase="rcpt", deed=Deed.LONG, number=1000)),
    ],
)
def test_a_word_becomes_its_act(word, expected):
    """The holes of a shape become the fields of the act."""
    found = behaviour.act(word)
    assert found is not None
    assert {**_fields(found), "word": ""} == _fields(expected)


def _fields(act):
    return {name: getattr(act, name) for name in Act.__slots__}


def test_words_end_at_the_first_that_is_none():
    """What stands behind the words is free, and a plain address asks for nothing."""
    asked = behaviour.acts("greylist-2+stall-at-dot-1+anna+rcpt-550@x.test")
    assert [act.word for act in asked] == ["greylist-2", "stall-at-dot-1"]
    assert behaviour.acts("drop-after-dot@x.test") != ()
    for plain in ("anna@x.test", "anna-maria+greylist-2@x.test", "rcpt-team@x.test", "rcpt-5500@x"):
        assert behaviour.acts(plain) == ()


def test_strikes_are_counted_by_address_and_word():
    """`greylist-2` strikes twice for each address, whatever other words did."""
    memory = Memory(clock=lambda: 0.0)
    greylist = behaviour.act("greylist-2")
    once = behaviour.act("drop-after-dot-once")
    assert [memory.strikes("a@x", greylist) for _ in range(4)] == [True, True, False, False]
    assert memory.strikes("b@x", greylist)
    assert [memory.strikes("a@x", once) for _ in range(2)] == [True, False]


def test_a_word_without_number_strikes_for_ever():
    """A behaviour without `-once` never wears off."""
    memory = Memory(clock=lambda: 0.0)
    assert all(memory.strikes("a@x", behaviour.act("reject-550")) for _ in range(100))


def test_retry_after_lets_in_when_its_time_is_over():
    """`retry-after-30` refuses until 30 seconds after the first try, not after the last."""
    now = 100.0
    memory = Memory(clock=lambda: now)
    patience = behaviour.act("retry-after-30")
    assert patience.text == "Greylisted, try again in 30 seconds"
    assert memory.strikes("a@x", patience)
    now = 129.9
    assert memory.strikes("a@x", patience)
    now = 130.0
    assert not memory.strikes("a@x", patience)


def test_the_readme_names_all():
    """The page that developers read knows every behaviour and every verb of the control channel."""
    page = (Path(behaviour.__file__).parent / "README.md").read_text()
    for shape in EXAMPLES:
        assert f"`{shape}`" in page
    for verb in control.VERBS:
        assert f'"do":"{verb}"' in page or f"`{verb}`" in page
