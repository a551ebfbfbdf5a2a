"""A mail taken apart for people to look at."""

from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from daemon.sink.inbox import letter
from daemon.sink.inbox.box import Box
from daemon.sink.record import Record

PNG = b"\x89PNG not really"


def mail(subject: str = "Grüße") -> EmailMessage:
    """A mail with everything."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@x.test", "b@x.test", subject
    made.set_content("Plain words.\n")
    made.add_alternative('<html><head></head><img src="cid:logo"></html>', subtype="html")
    made.get_payload()[1].add_related(PNG, "image", "png", cid="<logo>")
    made.add_attachment(b"1;2", maintype="text", subtype="csv", filename="../prices é.csv")
    return made


def record(subject: str, *, rcpt: str = "b@x.test", content: bytes = b"") -> Record:
    """What the sink has on record of a mail."""
    return Record(
        time=1.0, came=1.0, began=1.0, connection=1, helo="x.test", tls=None, user=None,
        mail_from="a@x.test", rcpt=(rcpt,), message_id="", sha256="", size=len(content),
        subject=subject,
    )  # fmt: skip


def test_everything_is_found() -> None:
    """Headers read, both bodies, files with names that lead nowhere, images within the HTML."""
    opened = letter.opened(mail().as_bytes())
    assert opened.header("subject") == "Grüße"
    assert opened.text == "Plain words.\n"
    assert opened.html is not None
    assert '<head><base target="_blank">' in opened.html
    assert 'src="data:image/png;base64,' in opened.html
    assert [file.name for file in opened.attached] == ["part-1", ".._prices é.csv"]
    assert opened.attached[1].content == b"1;2"


@given(st.binary(max_size=400), st.sampled_from([b"", b"Content-Type: ", b"Subject: =?x?q?"]))
def test_nothing_raises(content: bytes, before: bytes) -> None:
    """Any octets are a mail, if a strange one."""
    opened = letter.opened(before + content)
    assert isinstance(opened.headers, tuple)


def test_an_unknown_character_set_is_shown_as_it_can_be() -> None:
    """Nothing of a mail is hidden because its words can't be read."""
    content = b"Content-Type: text/plain; charset=klingon\r\n\r\nwords"
    assert letter.opened(content).text == "words"


def test_the_box_keeps_the_newest_and_finds_them() -> None:
    """The oldest go when there is no room; all words of a search must be there, wherever."""
    box = Box(kept=3)
    for number in range(1, 6):
        content = mail(f"Offer {number}").as_bytes()
        box.stored(record(f"Offer {number}", rcpt=f"p{number}@x.test"), content)
    assert box.mail(2) is None
    assert [one.number for one in box.found("")] == [5, 4, 3]
    assert [one.number for one in box.found("offer P4@")] == [4]
    assert [one.number for one in box.found("plain WORDS p3@")] == [3]
    assert list(box.found("nobody")) == []


def test_the_box_is_bounded_in_octets() -> None:
    """One mail that is larger than all the room is kept alone."""
    box = Box(octets=10)
    for content in (b"1234", b"5678", b"90123456789012"):
        box.stored(record("x"), content)
    assert [one.content for one in box.found("")] == [b"90123456789012"]
