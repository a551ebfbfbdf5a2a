"""Random worlds: small, and full of what goes wrong: rings, the deleted, the same people twice."""

from hypothesis import strategies as st

from daemon.mail.request.audience import Billing, Contacts, Me, Members, People, Scope, Term
from daemon.mail.request.recipients import Override, Recipient, Recipients
from tests.integration.expansion.model import ADDRESSES, ME, Somebody, World

_CUSTOMERS = (ME, 10, 11, 12, 13)
_PEOPLE, _CONTACTS, _LISTS = (21, 22, 23, 24), (31, 32, 33, 34, 35), (41, 42)
_ADDRESS = st.sampled_from(ADDRESSES)
_SUPP = st.sampled_from(("a@x.test", "b@x.test"))
_KINDS = st.sampled_from(("unsubscribe", "unsubscribe", "hard_bounce", "complaint", "manual"))
_SCOPES: st.SearchStrategy[Scope] = st.sampled_from(("self", "children", "descendants"))
_SELDOM = st.sampled_from((False, False, False, True))

_SOMEBODY = st.builds(
    Somebody,
    customer=st.sampled_from(_CUSTOMERS),
    addresses=st.lists(_ADDRESS, max_size=3).map(tuple),
    pseudo=_SELDOM,
    retired=_SELDOM,
    no_mailing=_SELDOM,
)
_OWN = st.sampled_from((None, None, Override(subject="his"), Override(subject="hers")))
_NAMED = st.builds(
    lambda address, own: Recipient(address, None, {}, own), st.one_of(st.none(), _ADDRESS), _OWN
)
_TERM: st.SearchStrategy[Term] = st.one_of(
    st.builds(People, scope=_SCOPES),
    st.builds(Billing, scope=_SCOPES),
    st.builds(Members, id=st.sampled_from(_LISTS)),
    st.builds(
        Contacts,
        ids=st.lists(st.sampled_from((*_CONTACTS, 99)), min_size=1, max_size=4).map(tuple),
    ),
    st.just(Me()),
    st.builds(Recipients, items=st.lists(_NAMED, max_size=3).map(tuple)),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A world and what is asked for in it."""
    people = {number: draw(_SOMEBODY) for number in _PEOPLE}
    whose = st.one_of(st.sampled_from(_PEOPLE), _ADDRESS)
    billing = st.lists(st.tuples(st.sampled_from(_CUSTOMERS), whose), max_size=5, unique=True)
    contacts = draw(
        st.lists(st.one_of(st.none(), _ADDRESS), min_size=5, max_size=5).map(_once_each)
    )
    members = st.frozensets(st.sampled_from(_CONTACTS))
    effect = st.sampled_from(("deny", "allow"))
    by_list = st.dictionaries(st.tuples(_SUPP, st.sampled_from(_LISTS)), effect, max_size=3)
    return World(
        parents={one: draw(st.sampled_from((0, *_CUSTOMERS))) for one in _CUSTOMERS},
        deleted=draw(st.frozensets(st.sampled_from(_CUSTOMERS[1:]), max_size=1)),
        people=people,
        billing=_lawful(draw(billing)),
        contacts={
            number: (address, draw(_SELDOM))
            for number, address in zip(_CONTACTS, contacts, strict=True)
        },
        lists={number: draw(members) for number in _LISTS},
        everywhere=draw(st.dictionaries(_SUPP, _KINDS, max_size=2)),
        by_list=draw(by_list),
        audience=tuple(draw(st.lists(_TERM, min_size=1, max_size=4))),
        exclude=tuple(draw(st.lists(_TERM, max_size=2))),
        person=draw(st.sampled_from(_PEOPLE)),
        marketing=draw(st.booleans()),
        is_many=draw(st.booleans()),
    )


def _once_each(addresses: list[str | None]) -> list[str | None]:
    """A customer has one contact for an address."""
    known: set[str] = set()
    kept: list[str | None] = []
    for address in addresses:
        norm = (address or "").partition("@")[0] + (address or "").partition("@")[2].lower()
        kept.append(None if norm in known else address)
        known.add(norm)
    return kept


def _lawful(billing: list[tuple[int, int | str]]) -> list[tuple[int, int | str]]:
    """A customer has somebody, or an address, as a billing contact once."""
    kept: dict[tuple[int, object], tuple[int, int | str]] = {}
    for customer, somebody in billing:
        local, _, domain = str(somebody).partition("@")
        kept[customer, (local, domain.lower())] = (customer, somebody)
    return list(kept.values())
