"""The address law: what counts as one e-mail address, and when two are the same (Q5, Q6).

Syntax only, no DNS: exactly one `@`, a local part of up to 64 octets, a domain of valid labels. All
but a few addresses are plain ASCII and decided by one regular expression; quoted or UTF-8 local
parts and international domains go to email-validator, piece by piece. A refusal names the broken
rule and never echoes the address.
"""

import functools
import re
import unicodedata
from dataclasses import dataclass

import email_validator

LOCAL_LIMIT = 64
"""Octets before the `@` (RFC 5321 4.5.3.1.1)."""
LIMIT = 254
"""Octets in all: a path may have 256 with its angle brackets (RFC 5321 4.5.3.1.3)."""

# The library refuses reserved names (.test, .local, .invalid …). Ours is a law of syntax: whether
# such a domain takes mail is the transport's business, and staging and relays of a LAN need them.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_LOCAL = rf"{_ATOM}(?>(?:\.{_ATOM})*)"
# No label with hyphens in places three and four: A-labels and reserved ones take the slow way.
_START = r"(?!-|[A-Za-z0-9-]{2}--)"
_LABEL = rf"{_START}[A-Za-z0-9-]{{1,63}}+(?<!-)"
_TOP = rf"{_START}[A-Za-z0-9-]{{0,62}}[A-Za-z]"
_PLAIN = re.compile(rf"(?=[^@]{{1,{LOCAL_LIMIT}}}@)({_LOCAL})@((?>(?:{_LABEL}\.)+){_TOP})")
_PLAIN_LOCAL = re.compile(_LOCAL)
_PLAIN_DOMAIN = re.compile(rf"(?>(?:{_LABEL}\.)*){_TOP}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LIST_OR_DISPLAY = re.compile(r"[,<>\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One valid address in its wire form."""

    address: str
    """Local part as given, domain in lower case and as A-labels."""
    needs_smtputf8: bool = False
    """Whether the local part leaves ASCII, so that every hop must offer SMTPUTF8 (RFC 6531)."""
    trimmed: bool = False
    """Whether white space around it was dropped."""

    @property
    def domain(self) -> str:
        """Where it goes: lower case, A-labels."""
        return self.address.rpartition("@")[2]

    @property
    def norm(self) -> str:
        """The form that de-duplication compares: the local part belongs to its host (Q5)."""
        return self.address

    @property
    def supp(self) -> str:
        """The form that suppression compares: everything without case (Q5)."""
        return self.address.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalid:
    """Why a text is no address, in words that name the rule and repeat nothing of the text."""

    reason: str


def check(text: str, *, allow_utf8: bool = False, need_dot: bool = True) -> Address | Invalid:
    """One address, white space around it dropped.

    `allow_utf8`: take a local part beyond ASCII; `need_dot`: refuse a domain of a single label.
    """
    bare = text.strip()
    plain = _PLAIN.fullmatch(bare)
    if plain is None or len(bare) > LIMIT:
        return _check_slowly(bare, allow_utf8=allow_utf8, need_dot=need_dot, given=text)
    return Address(address=f"{plain[1]}@{plain[2].lower()}", trimmed=len(bare) < len(text))


def forms(text: str, *, need_dot: bool = True) -> tuple[str, str, str, str]:
    """Norm, suppression form and domain of somebody's address, and the rule it breaks, or "".

    One that is none has forms too: it is kept as it is, found again, and never written to.
    """
    plain = _PLAIN.fullmatch(text)
    if plain is not None and len(text) <= LIMIT:
        domain = plain[2].lower()
        norm = f"{plain[1]}@{domain}"
        return norm, norm.lower(), domain, ""
    found = check(text, allow_utf8=True, need_dot=need_dot)
    if isinstance(found, Address):
        return found.norm, found.supp, found.domain, ""
    bare = text.strip()
    return bare, bare.lower(), bare.rpartition("@")[2].lower(), found.reason


def is_final(text: str) -> bool:
    """Whether a text is a valid address, in its wire form already."""
    plain = _PLAIN.fullmatch(text)
    if plain is not None and len(text) <= LIMIT and plain[2].islower():
        return True
    checked = check(text, allow_utf8=True, need_dot=False)
    return isinstance(checked, Address) and checked.address == text


def _check_slowly(bare: str, *, allow_utf8: bool, need_dot: bool, given: str) -> Address | Invalid:
    reason = _shape_fault(bare)
    if reason:
        return Invalid(reason=reason)
    left, _, right = bare.partition("@")
    local, domain = _local(left), _domain(right)
    if local is None or domain is None:
        return Invalid(reason="local part" if local is None else "domain")
    if not local.isascii() and not allow_utf8:
        return Invalid(reason="local part needs SMTPUTF8")
    if need_dot and "." not in domain:
        return Invalid(reason="domain without a dot")
    address = f"{local}@{domain}"
    if len(address.encode()) > LIMIT:
        return Invalid(reason="too long")
    return Address(
        address=address, needs_smtputf8=not local.isascii(), trimmed=len(bare) < len(given)
    )


def _shape_fault(bare: str) -> str | None:
    """What is wrong with the whole, before its halves are looked at."""
    if not bare:
        return "blank"
    # Length first: what follows takes time, and more than linear for hostile domains.
    if len(bare) > LIMIT:
        return "too long"
    if _CONTROL.search(bare):
        return "control character"
    if _LIST_OR_DISPLAY.search(bare):
        return "not a single bare address"
    return None if bare.count("@") == 1 else "not exactly one @"


def _local(text: str) -> str | None:
    """The local part as it goes on the wire, with no more quotes than it needs, or None."""
    if not _PLAIN_LOCAL.fullmatch(text):
        try:
            found = email_validator.validate_email(
                f"{text}@example.org", check_deliverability=False, allow_quoted_local=True
            )
        except email_validator.EmailNotValidError:
            return None
        text = _as_given(text, found.local_part)
    # what can't be seen, like a blank beyond ASCII, would reach no wire (delivery/envelope.py)
    return text if text.isprintable() and len(text.encode()) <= LOCAL_LIMIT else None


def _as_given(text: str, validated: str) -> str:
    """The validated form but in the case given: the library lowers `Info` and its like."""
    bare = unicodedata.normalize("NFC", text.removeprefix('"').removesuffix('"'))
    return bare if bare.lower() == validated else validated


@functools.lru_cache(maxsize=4096)
def _domain(text: str) -> str | None:
    """The domain in lower case and as A-labels, or None; lists repeat their domains."""
    if _PLAIN_DOMAIN.fullmatch(text) and len(text) < LIMIT:
        return text.lower()
    try:
        found = email_validator.validate_email(
            f"a@{text}", check_deliverability=False, globally_deliverable=False
        )
    except email_validator.EmailNotValidError:
        return None
    # A last label of digits alone would be an IP address without its brackets (RFC 3696 2).
    domain = (found.ascii_domain or "").lower()
    return None if domain.rpartition(".")[2].isdigit() else domain
