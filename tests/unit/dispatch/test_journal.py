"""The journal: what is noted is read again, whatever became of its process and its disk."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from daemon.dispatch import journal as journals
from daemon.dispatch.journal import Journal, NoJournal
from daemon.dispatch.legacy import Legacy, Memory
from daemon.mail.attempt import Attempt, Envelope, Tenure
from daemon.mail.content import Content
from daemon.mail.outcome import Bounced, InDoubt, Sent, Verdict, Withheld
from daemon.mail.reply import Reply

JOB = UUID(int=7)
TAKEN = Reply(code=250, enhanced="2.0.0", text="taken as 4711, thank you")
WAITS = Withheld(verdict=Verdict.PAUSED)
DIED = InDoubt(reason="died")


def attempt(number: int) -> Attempt:
    """A try of delivery `number`, from its batch."""
    return Attempt(
        delivery_id=number,
        number=1,
        envelope=Envelope(sender="", recipient="a@b.example"),
        content=Content(data=b"\r\n"),
        tenure=Tenure(JOB, 0, 3),
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal of somebody alive."""
    journal = Journal(tmp_path, uuid4(), database="d")
    yield journal
    os.close(journal._file)


def reader(folder: Path, database: str = "d") -> Legacy:
    """Somebody else at the same folder."""
    return Legacy(Journal(folder, uuid4(), database=database))


def memory(journal: Journal, *, is_over: bool = True) -> Memory:
    """What somebody else reads in it."""
    return reader(journal.path.parent).memory(journal.instance, is_over=is_over)


def dies(journal: Journal) -> None:
    """Its process is no more: so goes the lock."""
    os.close(journal._file)
    journal._file = os.open(os.devnull, os.O_WRONLY)


def test_a_reply_is_read_as_it_was(journal: Journal) -> None:
    """A dot and its reply are the outcome, word by word; one without a reply is a doubt."""
    for number in (1, 2, 3):
        assert journal.dot(attempt(number))
    journal.reply(attempt(1), TAKEN, "h:25")
    journal.reply(attempt(2), Reply(code=550, text=""), "h:25")
    found = memory(journal)
    assert found.verdict(attempt(1).key) == Sent(reply=TAKEN, relay="h:25")
    assert found.verdict(attempt(2).key) == Bounced(reply=Reply(code=550), relay="h:25")
    assert found.verdict(attempt(3).key) == DIED
    assert found.replies[attempt(1).key].job_id == JOB


@pytest.mark.parametrize(
    "relay", ["h:25", "[fe80::1%eth0]:25", "file:/var/my mail", "file:/a\nb\u2028%20c"]
)
def test_whatever_the_relay_is_called_its_reply_is_read(journal: Journal, relay: str) -> None:
    """A name with spaces or line ends in it costs no reply, and no later record."""
    for number in (1, 2):
        journal.dot(attempt(number))
        journal.reply(attempt(number), TAKEN, relay)
    found = memory(journal)
    for number in (1, 2):
        assert found.verdict(attempt(number).key) == Sent(reply=TAKEN, relay=relay)
    assert found.verdict(attempt(3).key) == WAITS


def test_what_it_does_not_name_never_left(journal: Journal) -> None:
    """Once its writer writes no more, what has no dot is certainly not delivered."""
    journal.dot(attempt(1))
    assert memory(journal).verdict(attempt(2).key) == WAITS


def test_the_silence_of_the_living_means_nothing(journal: Journal) -> None:
    """As long as its writer might go on, what has no dot is a doubt."""
    assert memory(journal, is_over=False).verdict(attempt(2).key) == DIED


def test_after_a_power_cut_silence_means_nothing(journal: Journal, monkeypatch) -> None:
    """Written before the machine was started anew, its tail may be missing; its replies hold."""
    journal.dot(attempt(1))
    journal.reply(attempt(1), TAKEN, "h:25")
    monkeypatch.setattr(journals, "boot", lambda: "another")
    found = memory(journal)
    assert isinstance(found.verdict(attempt(1).key), Sent)
    assert found.verdict(attempt(2).key) == DIED


def test_no_journal_knows_nothing(tmp_path: Path) -> None:
    """Without a journal all that was under way is a doubt."""
    assert reader(tmp_path).memory(uuid4(), is_over=True).verdict(attempt(1).key) == DIED


def test_half_a_record_is_none(journal: Journal) -> None:
    """Killed in the middle of a record: what it announces was never done."""
    with journal.path.open("ab") as file:
        file.write(b"dot 1 1 0")
    assert memory(journal).verdict(attempt(1).key) == WAITS


def test_a_broken_line_widens_the_doubt(journal: Journal) -> None:
    """A line that can't be read may have been any dot."""
    with journal.path.open("ab") as file:
        file.write(b"d\x00\xfft 1\n")
    assert memory(journal).verdict(attempt(1).key) == DIED


def test_another_database_is_another_world(journal: Journal, tmp_path: Path) -> None:
    """A journal that speaks of another database's deliveries is neither read nor adopted."""
    journal.dot(attempt(1))
    dies(journal)
    stranger = reader(tmp_path, database="e")
    assert stranger.adopt() == {}
    assert stranger.memory(journal.instance, is_over=True) == Memory()
    assert journal.path.exists()


def test_only_the_dead_are_adopted_and_by_one(journal: Journal, tmp_path: Path) -> None:
    """The lock says whether its process lives; whoever gets it adopts, and buries in the end."""
    journal.dot(attempt(1))
    one, other = reader(tmp_path), reader(tmp_path)
    assert one.adopt() == {}
    dies(journal)
    assert list(one.adopt()) == [journal.instance]
    assert one.adopt() == {}
    assert other.adopt() == {}
    assert one.adopted == [journal.instance]
    one.bury(journal.instance)
    assert not journal.path.exists()


def test_an_adopter_that_dies_is_followed(journal: Journal, tmp_path: Path) -> None:
    """What was adopted and not buried is adopted by the next one."""
    dies(journal)
    one, other = reader(tmp_path), reader(tmp_path)
    one.adopt()
    one.close()
    assert list(other.adopt()) == [journal.instance]


def test_it_stays_small(tmp_path: Path) -> None:
    """However many attempts it sees, it keeps those that aren't committed, under its lock."""
    journal = Journal(tmp_path, uuid4(), database="d", limit=4096)
    for number in range(1, 2001):
        assert journal.dot(attempt(number))
        journal.reply(attempt(number), TAKEN, "h:25")
        if number != 1000:
            journal.forget(attempt(number).key)
    assert journal.path.stat().st_size < 8192
    assert reader(tmp_path).adopt() == {}
    assert isinstance(memory(journal).verdict(attempt(1000).key), Sent)
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_the_record_that_fills_it_is_kept(tmp_path: Path) -> None:
    """Whichever record has the file replaced is in the new one, be it a dot or a reply."""
    for limit in range(60, 180):
        journal = Journal(tmp_path, uuid4(), database="d", limit=limit)
        assert journal.dot(attempt(1))
        assert memory(journal).verdict(attempt(1).key) == DIED
        journal.reply(attempt(1), TAKEN, "h:25")
        assert isinstance(memory(journal).verdict(attempt(1).key), Sent)
        journal.close()


def test_a_reply_outlives_a_full_disk(journal: Journal, monkeypatch) -> None:
    """What the disk didn't take is written as soon as it takes something again."""
    assert journal.dot(attempt(1))
    write = os.write
    monkeypatch.setattr(journals.os, "write", lambda file, data: write(file, data[:5]))
    journal.reply(attempt(1), TAKEN, "h:25")
    monkeypatch.setattr(journals.os, "write", write)
    assert memory(journal).verdict(attempt(1).key) == DIED
    journal._replace()
    assert isinstance(memory(journal).verdict(attempt(1).key), Sent)


def test_silence_is_left_behind_while_outcomes_are_open(tmp_path: Path) -> None:
    """What was permitted and never left waits again, though its holder could settle nothing."""
    journal = Journal(tmp_path, uuid4(), database="d")
    journal.close(unsettled=1)
    (found,) = reader(tmp_path).adopt().values()
    assert found.verdict(attempt(1).key) == WAITS


def test_it_leaves_nothing_when_nothing_is_open(tmp_path: Path) -> None:
    """A clean end removes it; with something uncommitted it stays for whoever comes."""
    for is_committed in (True, False):
        journal = Journal(tmp_path, uuid4(), database="d")
        journal.dot(attempt(1))
        if is_committed:
            journal.forget(attempt(1).key)
        journal.close()
        assert journal.path.exists() is not is_committed


def test_a_folder_that_can_not_be_had_is_named(tmp_path: Path) -> None:
    """Without a place for it nothing begins, and whoever starts us reads which place it was."""
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(NoJournal, match=r"instance\.state_dir .*/file/state: Not a directory"):
        Journal(place / "state", uuid4(), database="d")


def test_a_disk_that_takes_nothing_allows_no_dot(journal: Journal, monkeypatch) -> None:
    """A full disk forbids the dot and says why, half a record is undone, and it mends itself."""
    write = os.write
    monkeypatch.setattr(journals.os, "write", lambda file, data: write(file, data[:5]))
    assert not journal.dot(attempt(1))
    assert journal.trouble == "No space left on device"
    monkeypatch.setattr(journals.os, "write", write)
    assert not journal.dot(attempt(2))
    journal._replace()
    assert journal.trouble == ""
    assert journal.dot(attempt(3))
    found = memory(journal)
    assert [found.verdict(attempt(n).key) for n in (1, 2, 3)] == [WAITS, WAITS, DIED]


def test_a_disk_that_has_become_read_only(journal: Journal, monkeypatch) -> None:
    """It forbids the dot, too, and names the disk and the reason, until it can be written again."""

    def refused(*_: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as remounted:
        remounted.setattr(journals.os, "write", refused)
        remounted.setattr(journals.os, "open", refused)
        assert not journal.dot(attempt(1))
        journal._replace()
        assert not journal.dot(attempt(1))
        assert journal.brake == f"{journal.path.parent}: Read-only file system"
    journal._replace()
    assert journal.brake == ""
    assert journal.dot(attempt(1))


def test_a_disk_that_the_journal_itself_has_filled(journal: Journal, monkeypatch) -> None:
    """Where no second file has room, it gives up what is committed, and only that."""
    number = 0
    while journal.path.stat().st_size < 3 * journals._WORTH:
        number += 1
        journal.dot(attempt(number))
        journal.forget(attempt(number).key)
    journal.dot(attempt(0))
    full, opened = journal.path.stat().st_size, os.open

    def refused(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(journals.os, "open", refused)
    journal._replace()
    assert journal.brake == f"{journal.path.parent}: No space left on device"
    assert journal.path.stat().st_size == full
    journal.forget(attempt(0).key)
    journal._replace()
    assert journal.path.read_bytes() == journal._head
    monkeypatch.setattr(journals.os, "open", opened)
    journal._replace()
    assert journal.brake == ""
    assert journal.dot(attempt(1))
    assert memory(journal).verdict(attempt(1).key) == DIED


def test_half_a_replacement_is_cleared_away(journal: Journal, tmp_path: Path) -> None:
    """What a kill left of one goes after a while; one that is being written stays."""
    old, new = (tmp_path / f"{uuid4()}{journals.PART}" for _ in range(2))
    for path in (old, new):
        path.write_bytes(b"deliveryd journal 1")
    os.utime(old, (1, 1))
    Legacy(journal).adopt()
    assert [path.exists() for path in (old, new)] == [False, True]
