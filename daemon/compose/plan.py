"""A message becomes a plan once: its headers and parts encoded, with slots for what differs."""

import functools
import re
from dataclasses import asdict, dataclass, replace

from daemon.compose import bodies, headers, identity, mime, plaintext
from daemon.compose.bodies import Body
from daemon.mail import address, template
from daemon.mail.template import Template

_NAME = re.compile(r"^([A-Za-z-]+):", re.MULTILINE)
_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_OVERRIDE_PLANS = 64
"""Plans of overrides that are kept: for the variants of a campaign, not for personal texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a message's content; it repeats nothing of the content."""

    field: str
    """Where: `subject`, `text`, `html`, `from.address`, `from.name` or `reply_to`."""
    reason: str
    position: int | None = None
    """Which character of the field, counted from 0, when it can be pointed at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The content of one message in canonical form (requirements 2.1); its texts may hold slots.

    With neither text nor html there is nothing to send but to recipients who override that.
    """

    from_address: str
    from_name: str | None = None
    reply_to: str | None = None
    subject: str = ""
    text: str | None = None
    html: str | None = None
    """Given alone, the plain text beside it is made from it (Q20)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What one recipient gets instead; None = as in the draft.

    A body given here replaces both of the draft's, so that no reader is shown the shared one.
    """

    subject: str | None = None
    text: str | None = None
    html: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that the deliveries of a message share. `letter.compose` fills it."""

    draft: Draft
    seed: bytes
    message_domain: str
    sender: headers.Field
    subject: headers.Field
    closing: str
    """The header's lines after `Message-ID`, the empty one included."""
    names: tuple[str, ...]
    """The header fields of every delivery, in order."""
    bodies: tuple[Body, ...]
    """What follows the header; nothing when the draft has no content."""
    variables: frozenset[str]
    """Every variable that some slot wants."""


def plan(draft: Draft, *, message_domain: str, seed: bytes) -> Plan | tuple[Fault, ...]:
    """The plan of a draft, or everything that is wrong with it.

    `message_domain` ends the Message-IDs; `seed` is the job's own (see `identity.message_id`).
    """
    if not _HOST.fullmatch(message_domain):
        raise ValueError("message_domain is no host name")
    faults: list[Fault] = []
    subject = _header_text(draft.subject, "subject", faults)
    from_name = _header_text(draft.from_name or "", "from.name", faults)
    from_address = _address(draft.from_address, "from.address", faults)
    reply_to = _address(draft.reply_to, "reply_to", faults)
    text = _body_text(draft.text, "text", faults)
    html = _body_text(draft.html, "html", faults)
    if faults:
        return tuple(faults)
    entity = _entity(text, html, identity.boundary(draft.text, draft.html, seed=seed))
    closing = f"{_reply_to(reply_to)}MIME-Version: 1.0\r\n{entity.headers}\r\n"
    return Plan(
        draft=draft,
        seed=seed,
        message_domain=message_domain,
        sender=headers.field("From", from_name, address=from_address),
        subject=headers.field("Subject", subject),
        closing=closing,
        names=("Date", "From", "To", "Subject", "Message-ID", *_NAME.findall(closing)),
        bodies=entity.bodies,
        variables=frozenset().union(*(t.variables for t in (subject, from_name, text, html) if t)),
    )


def overridden(shared: Plan, override: Override) -> Plan | tuple[Fault, ...]:
    """The plan of the shared draft as one recipient gets it."""
    own = {name: text for name, text in asdict(override).items() if text is not None}
    if "text" in own or "html" in own:
        own = {"text": None, "html": None} | own
    draft = replace(shared.draft, **own)
    return _kept(draft, message_domain=shared.message_domain, seed=shared.seed)


_kept = functools.lru_cache(maxsize=_OVERRIDE_PLANS)(plan)


def _entity(text: Template | None, html: Template | None, boundary: str) -> mime.Entity:
    """The parts from plain to rich (RFC 2046 5.1.4), laid out."""
    if html is not None and text is None:
        text = plaintext.plain(html)
    parts = [
        mime.Leaf(
            content_type=f"text/{kind}; charset=utf-8", body=bodies.body(content, is_html=rich)
        )
        for kind, content, rich in (("plain", text, False), ("html", html, True))
        if content is not None
    ]
    if not parts:
        return mime.Entity(headers="", bodies=())
    whole = parts[0] if len(parts) == 1 else mime.Multipart(subtype="alternative", parts=(*parts,))
    return mime.laid_out(whole, boundary=boundary)


def _reply_to(reply_to: str) -> str:
    return headers.mailbox("Reply-To", "", reply_to) if reply_to else ""


def _header_text(text: str, field: str, faults: list[Fault]) -> Template:
    """The template of a header's text; a separator in it is a fault: nobody means to write one."""
    forbidden = headers.SEPARATOR.search(text)
    if forbidden:
        faults.append(Fault(field=field, reason="control character", position=forbidden.start()))
    return _template(text, field, faults)


def _body_text(text: str | None, field: str, faults: list[Fault]) -> Template | None:
    if text is None:
        return None
    unfit = bodies.unfit(text)
    if unfit:
        faults.append(Fault(field=field, reason=unfit))
    return _template(text, field, faults)


def _template(text: str, field: str, faults: list[Fault]) -> Template:
    read = template.parse(text)
    if isinstance(read, Template):
        return read
    faults += [
        Fault(field=field, reason=template.REASON, position=position) for position in read.positions
    ]
    return Template(literals=("",))


def _address(text: str | None, field: str, faults: list[Fault]) -> str:
    """The address as the wire has it, or nothing if there is none or it is unlawful."""
    if text is None:
        return ""
    checked = address.check(text, allow_utf8=True, need_dot=False)
    if isinstance(checked, address.Address):
        return checked.address
    faults.append(Fault(field=field, reason=checked.reason))
    return ""
