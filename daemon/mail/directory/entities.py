"""The entities of the directory: what a row of each has to say, in the order of dependence.

Whoever is named in a row stands in an entity before it, or in its own. `id` may be left out where
something else tells which row is meant; what that is stands in `known_by`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from daemon.mail.directory import cells
from daemon.mail.directory.cells import Kind

PRIVILEGES = (
    "send_emails",
    "act_for_subcustomers",
    "manage_lists",
    "manage_templates",
    "manage_transports",
    "view_reports",
    "system",
)
"""What a role may give."""
_SOURCES = ("api", "send", "import")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One thing that is said of an entity."""

    name: str
    kind: Kind = cells.LINE
    required: bool = False
    default: str = ""
    """What a blank cell means, where it isn't NULL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One kind of row."""

    name: str
    columns: tuple[Column, ...]
    known_by: str
    """How a row that is there already is recognised, for people."""
    one_of: tuple[str, ...] = ()
    """Columns of which one must be filled."""
    only_one: bool = False
    """Whether two of them are one too many."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of its columns."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column | None:
        """The column of this name."""
        return next((column for column in self.columns if column.name == name), None)


_ID = Column(name="id", kind=cells.ID)
_CUSTOMER = Column(name="customer_id", kind=cells.number(0), required=True)


def _flag(name: str, *, default: bool = False) -> Column:
    return Column(name=name, kind=cells.FLAG, default=str(default).lower())


def _lines(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name=name) for name in names)


def _limits(largest: int, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name=name, kind=cells.number(0, largest)) for name in names)


def _word(name: str, *words: str, default: str = "") -> Column:
    return Column(name=name, kind=cells.choice(*words), default=default, required=default == "")


ROLE = Entity(
    name="role",
    known_by="its id, or its name",
    columns=(
        _ID,
        Column(name="name", required=True),
        Column(name="description"),
        _flag("can_login", default=True),
        Column(name="privileges", kind=cells.accesses(*PRIVILEGES), default="{}"),
    ),
)
CUSTOMER = Entity(
    name="customer",
    known_by="its id",
    columns=(
        Column(name="id", kind=cells.number(0), required=True),
        Column(name="parent_id", kind=cells.number(0)),
        Column(name="name", required=True),
        Column(name="email", kind=cells.MAILBOX),
        Column(name="plan_id", kind=cells.ID),
        Column(name="timezone", kind=cells.ZONE, default="UTC"),
        *_lines("language", "country"),
        _word("status", "active", "locked", "blocked", "deleted", default="active"),
    ),
)
PLAN = Entity(
    name="plan",
    known_by="its id, or its name within its customer",
    columns=(
        _ID,
        _CUSTOMER,
        Column(name="name", required=True),
        Column(name="currency", default="EUR"),
        _word("bill_type", "none", "external", "prepaid", "postpaid", default="none"),
        Column(name="price_per_email", kind=cells.PRICE, default="0"),
        *_limits(2**31 - 1, "max_recipients_per_request", "max_requests_per_minute"),
        *_limits(cells.LARGEST, "max_recipients_per_day", "max_recipients_per_month"),
        Column(name="privileges", kind=cells.ALLOWANCES, default="{}"),
    ),
)
PERSON = Entity(
    name="person",
    known_by="its id, or its username",
    columns=(
        _ID,
        _CUSTOMER,
        *_lines("username", "role", "forename", "surname", "title", "company", "language"),
        Column(name="timezone", kind=cells.ZONE),
        *_lines("country", "telephone", "mobile"),
        Column(name="allowed_sources", kind=cells.NETWORKS, default="{}"),
        _flag("pseudo"),
        _flag("no_mailing"),
        _flag("retired"),
        Column(name="deleted_at", kind=cells.MOMENT),
        Column(name="addresses", kind=cells.ADDRESSEES, default="[]"),
    ),
    one_of=("id", "username"),
)
AGENT = Entity(
    name="agent",
    known_by="customer and person",
    columns=(
        _CUSTOMER,
        Column(name="person_id", kind=cells.ID, required=True),
        _word("kind", "owner", "agent", default="agent"),
        _flag("active", default=True),
    ),
)
BILLING_CONTACT = Entity(
    name="billing_contact",
    known_by="its id, or customer and person, or customer and address",
    columns=(
        _ID,
        _CUSTOMER,
        Column(name="person_id", kind=cells.ID),
        Column(name="name"),
        Column(name="address", kind=cells.ADDRESSEE),
        Column(name="position", kind=cells.number(0, 2**31 - 1), default="0"),
        _flag("active", default=True),
    ),
    one_of=("person_id", "address"),
    only_one=True,
)
CONTACT = Entity(
    name="contact",
    known_by="its id, or its address within its customer, or without an address its phone number",
    columns=(
        _ID,
        _CUSTOMER,
        Column(name="address", kind=cells.ADDRESSEE),
        *_lines("phone_number", "first_name", "last_name"),
        *_lines("param1", "param2", "param3", "param4", "param5"),
        Column(name="custom", kind=cells.FIELDS),
        Column(name="timezone", kind=cells.ZONE),
        Column(name="person_id", kind=cells.ID),
        _flag("no_mailing"),
    ),
    one_of=("address", "phone_number"),
)
LIST = Entity(
    name="list",
    known_by="its id, or its name within its customer",
    columns=(
        _ID,
        _CUSTOMER,
        Column(name="name", required=True),
        _word("origin", *_SOURCES, default="import"),
    ),
)
LIST_MEMBER = Entity(
    name="list_member",
    known_by="list and contact; a contact by its id, its address, or without an address its phone",
    columns=(
        Column(name="list_id", kind=cells.ID, required=True),
        Column(name="contact_id", kind=cells.ID),
        Column(name="address", kind=cells.ADDRESSEE),
        Column(name="phone_number"),
        _word("source", *_SOURCES, default="import"),
        Column(name="added_at", kind=cells.MOMENT),
    ),
    one_of=("contact_id", "address", "phone_number"),
    only_one=True,
)
SUPPRESSION = Entity(
    name="suppression",
    known_by="customer, address in lower case, list and kind; one that was lifted is history",
    columns=(
        _CUSTOMER,
        Column(name="address", kind=cells.ADDRESSEE, required=True),
        Column(name="list_id", kind=cells.ID),
        _word("effect", "deny", "allow", default="deny"),
        _word("kind", "unsubscribe", "hard_bounce", "complaint", "manual"),
        Column(name="reason"),
        _word("source", "api", "link", "dsn", "operator", default="operator"),
        Column(name="created_at", kind=cells.MOMENT),
    ),
)
SENDER = Entity(
    name="sender",
    known_by="its id",
    columns=(
        Column(name="id", kind=cells.ID, required=True),
        _CUSTOMER,
        Column(name="name", kind=cells.AUTHOR),
        Column(name="address", kind=cells.MAILBOX, required=True),
        Column(name="reply_to", kind=cells.MAILBOX),
        Column(name="transport_id", kind=cells.ID),
        Column(name="verified_at", kind=cells.MOMENT),
        _flag("active", default=True),
    ),
)
CAMPAIGN = Entity(
    name="campaign",
    known_by="its id",
    columns=(
        Column(name="id", kind=cells.ID, required=True),
        _CUSTOMER,
        Column(name="name", required=True),
        _word("type", "simple", "other", default="simple"),
        _flag("active", default=True),
        Column(name="transport_id", kind=cells.ID),
        Column(name="template_id", kind=cells.ID),
        Column(name="sender_id", kind=cells.ID),
        Column(name="subject", kind=cells.SUBJECT),
        Column(name="html", kind=cells.CONTENT),
        Column(name="created_by", kind=cells.ID),
        _word("source", "api", "operator", default="operator"),
    ),
)
UNSUBSCRIBE_TEXT = Entity(
    name="unsubscribe_text",
    known_by="its language",
    columns=(
        Column(name="language", required=True),
        Column(name="mention_html", kind=cells.TEXT, required=True),
        Column(name="mention_text", kind=cells.TEXT, required=True),
        Column(name="page_text", kind=cells.TEXT, required=True),
    ),
)

BY_NAME: Mapping[str, Entity] = MappingProxyType(
    {
        entity.name: entity
        for entity in (
            ROLE,
            CUSTOMER,
            PLAN,
            PERSON,
            AGENT,
            BILLING_CONTACT,
            CONTACT,
            LIST,
            LIST_MEMBER,
            SUPPRESSION,
            SENDER,
            CAMPAIGN,
            UNSUBSCRIBE_TEXT,
        )
    }
)
"""All of them, whoever is named before whoever names him."""
